"""Text to hits: query (translate) · clause · rewrite · client (drop-in) · hits · explain."""

from .client import SplareOpenSearch
from .cut import Cut
from .explain import Contribution, Match, explain, matches
from .hits import Hit, SearchOptions, search
from .query import Dialect, translate, two_step
from .search_log import SearchLog

__all__ = [
    "Contribution",
    "Cut",
    "Dialect",
    "Hit",
    "Match",
    "SearchLog",
    "SearchOptions",
    "SplareOpenSearch",
    "explain",
    "matches",
    "search",
    "translate",
    "two_step",
]
