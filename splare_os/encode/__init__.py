"""Text to impacts.

windows · packing (texts to rows of tokens) → backbone · attention · embedding · adapter (tokens to
states) → sae · segment_max · pooling (states to activations) → window_impacts · spans → encoder ·
parallel. SAEs come from published · releases · sae_files; a model folder is described by card.
"""

from .backbone import Backbone, load_backbone
from .card import Card
from .encoder import SplareEncoder
from .foreign import ForeignEncoder
from .parallel import ParallelEncoder
from .pooling import SaePooling, max_pool
from .sae import SaeEncoder

__all__ = [
    "Backbone",
    "Card",
    "ForeignEncoder",
    "ParallelEncoder",
    "SaeEncoder",
    "SaePooling",
    "SplareEncoder",
    "load_backbone",
    "max_pool",
]
