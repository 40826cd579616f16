"""Text to hits: query (translate) · clause · rewrite · client (drop-in) · hits · explain.

Beside them: labels (labelling · explanations) of latents, and contrast of two sets of documents;
steering · profiles · examples · feedback change what a query weighs; control puts them together.
"""

from ..steering import Steering
from .client import SplareOpenSearch
from .contrast import Contrast, ContrastOptions, contrast
from .cut import Cut
from .examples import Examples, Reference
from .explain import Contribution, Match, explain, matches
from .feedback import Feedback
from .hits import Hit, SearchOptions, search
from .labels import Labels
from .profiles import Profiles, read_profiles
from .query import Dialect, translate, two_step

__all__ = [
    "Contrast",
    "ContrastOptions",
    "Contribution",
    "Cut",
    "Dialect",
    "Examples",
    "Feedback",
    "Hit",
    "Labels",
    "Match",
    "Profiles",
    "Reference",
    "SearchOptions",
    "SplareOpenSearch",
    "Steering",
    "contrast",
    "explain",
    "matches",
    "read_profiles",
    "search",
    "translate",
    "two_step",
]
