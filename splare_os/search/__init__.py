"""Text to hits: query (translate) · clause · rewrite · client (drop-in) · hits · explain.

Beside them: labels (labelling · explanations) of latents, and contrast of two sets of documents.
"""

from .client import SplareOpenSearch
from .contrast import Contrast, ContrastOptions, contrast
from .cut import Cut
from .explain import Contribution, Match, explain, matches
from .hits import Hit, SearchOptions, search
from .labels import Labels
from .query import Dialect, translate, two_step

__all__ = [
    "Contrast",
    "ContrastOptions",
    "Contribution",
    "Cut",
    "Dialect",
    "Hit",
    "Labels",
    "Match",
    "SearchOptions",
    "SplareOpenSearch",
    "contrast",
    "explain",
    "matches",
    "search",
    "translate",
    "two_step",
]
