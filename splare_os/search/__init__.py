"""Text to hits: query (translate) · clause · rewrite · client (drop-in) · hits · explain.

steering · profiles · examples · feedback change what a query weighs; control puts them together.
"""

from ..steering import Steering
from .client import SplareOpenSearch
from .cut import Cut
from .examples import Examples, Reference
from .explain import Contribution, Match, explain, matches
from .feedback import Feedback
from .hits import Hit, SearchOptions, search
from .profiles import Profiles, read_profiles
from .query import Dialect, translate, two_step

__all__ = [
    "Contribution",
    "Cut",
    "Dialect",
    "Examples",
    "Feedback",
    "Hit",
    "Match",
    "Profiles",
    "Reference",
    "SearchOptions",
    "SplareOpenSearch",
    "Steering",
    "explain",
    "matches",
    "read_profiles",
    "search",
    "translate",
    "two_step",
]
