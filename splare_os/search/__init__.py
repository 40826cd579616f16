"""Text to hits.

query/      impacts to query DSL
request/    a request, and its body
fusion/     several rankings become one
weigh/      a query encoded, and weighed by what it searches
steer/      what moves a query's weights: examples, latents by hand
clause/     the `splare` clause
explain/    why a document was found
highlight/  what hits are given besides
rewrite/    a request on its way to the cluster
rules/      an application's own searches, rewritten
log/        a log of searches
client/     the drop-in clients
hits/       documents of one index, by one query
labels/     what latents are about, in words
contrast/   what sets documents apart from others
doctor/     an examination of cluster, indices and model

latent_card tells of one latent. `AsyncSplareOpenSearch` brings aiohttp, by an extra, when it is
first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ..extras import require
from ..steering import Steering
from .clause import SplareField
from .client import SplareOpenSearch
from .contrast import Contrast, ContrastOptions, contrast
from .explain import Contribution, Match, explain, matches
from .fusion import Fusion, Hybrid, hybrid, read_fusion
from .hits import Hit, SearchOptions, search
from .labels import Labels
from .log import SearchLog
from .query import Cut, Dialect, translate, two_step
from .steer import Examples, Feedback, Profiles, Reference, read_profiles

if TYPE_CHECKING:
    from .client.async_client import AsyncSplareOpenSearch

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
    found: object = import_module(".client.async_client", __name__).AsyncSplareOpenSearch
    globals()[name] = found
    return found
