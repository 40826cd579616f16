"""Text to hits: query (translate) · clause · rewrite · client (drop-in) · hits · explain.

`AsyncSplareOpenSearch` brings aiohttp, by an extra, when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ..extras import require
from .builder import SplareField
from .client import SplareOpenSearch
from .cut import Cut
from .explain import Contribution, Match, explain, matches
from .hits import Hit, SearchOptions, search
from .query import Dialect, translate, two_step

if TYPE_CHECKING:
    from .async_client import AsyncSplareOpenSearch

__all__ = [
    "AsyncSplareOpenSearch",
    "Contribution",
    "Cut",
    "Dialect",
    "Hit",
    "Match",
    "SearchOptions",
    "SplareField",
    "SplareOpenSearch",
    "explain",
    "matches",
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
