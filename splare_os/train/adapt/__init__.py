"""A language model adapted to texts by filling masks.

batches (masked, packed) → model (its loss) → trainer → training.
"""

from .training import AdaptFigures, AdaptOptions, adapt, require_new

__all__ = ["AdaptFigures", "AdaptOptions", "adapt", "require_new"]
