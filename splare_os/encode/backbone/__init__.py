"""Tokens to states: a language model cut after layer l, with bidirectional attention.

hub_ids (which models published SAEs are of) · backbone · adapter (LoRA) · embedding · attention ·
attention_cuda · sliding_window · precision.
"""

from .backbone import Backbone, load_backbone

__all__ = ["Backbone", "load_backbone"]
