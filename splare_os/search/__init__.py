"""Text to hits: query (translate) · clause · rewrite · client (drop-in) · hits · explain."""

from .client import SplareOpenSearch
from .cut import Cut
from .explain import Contribution, Match, explain, matches
from .fusion import Fusion, read_fusion
from .hits import Hit, SearchOptions, search
from .hybrid import Hybrid, hybrid
from .query import Dialect, translate, two_step

__all__ = [
    "Contribution",
    "Cut",
    "Dialect",
    "Fusion",
    "Hit",
    "Hybrid",
    "Match",
    "SearchOptions",
    "SplareOpenSearch",
    "explain",
    "hybrid",
    "matches",
    "read_fusion",
    "search",
    "translate",
    "two_step",
]
