"""Text to hits: query (translate) · clause · rewrite · client (drop-in) · hits · explain.

Beside them: labels (labelling · explanations) of latents, and contrast of two sets of documents;
steering · profiles · examples · feedback change what a query weighs; control puts them together.
`AsyncSplareOpenSearch` brings aiohttp, by an extra, when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ..extras import require
from ..steering import Steering
from .builder import SplareField
from .client import SplareOpenSearch
from .contrast import Contrast, ContrastOptions, contrast
from .cut import Cut
from .examples import Examples, Reference
from .explain import Contribution, Match, explain, matches
from .feedback import Feedback
from .fusion import Fusion, read_fusion
from .hits import Hit, SearchOptions, search
from .hybrid import Hybrid, hybrid
from .labels import Labels
from .profiles import Profiles, read_profiles
from .query import Dialect, translate
from .search_log import SearchLog
from .steps import two_step

if TYPE_CHECKING:
    from .async_client import AsyncSplareOpenSearch

__all__ = [
    "AsyncSplareOpenSearch",
    "Contrast",
    "ContrastOptions",
    "Contribution",
    "Cut",
    "Dialect",
    "Examples",
    "Feedback",
    "Fusion",
    "Hit",
    "Hybrid",
    "Labels",
    "Match",
    "Profiles",
    "Reference",
    "SearchLog",
    "SearchOptions",
    "SplareField",
    "SplareOpenSearch",
    "Steering",
    "contrast",
    "explain",
    "hybrid",
    "matches",
    "read_fusion",
    "read_profiles",
    "search",
    "translate",
    "two_step",
]


def __getattr__(name: str) -> object:
    """Return the asynchronous client, imported now."""
    if name != "AsyncSplareOpenSearch":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require("async", f"splare_os.search.{name}")
    found: object = import_module(".async_client", __name__).AsyncSplareOpenSearch
    globals()[name] = found
    return found
