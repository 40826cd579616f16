"""A backbone with fewer token embeddings: the pieces that texts of yours, or of a script, need.

pieces: which are kept. tokenizer: the tokenizer that is left. trim: the folder that is written.
"""

from .trim import TrimJob, TrimReport, trim_backbone

__all__ = ["TrimJob", "TrimReport", "trim_backbone"]
