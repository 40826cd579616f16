"""A language model adapted to texts by filling masks.

options · batches (masked, packed) → model (its loss) → trainer → training.
"""

from .options import AdaptOptions
from .training import AdaptFigures, adapt, require_new

__all__ = ["AdaptFigures", "AdaptOptions", "adapt", "require_new"]
