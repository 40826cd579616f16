"""What a request's path names: an index and an endpoint whose body holds queries."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from ...layout.view import View, as_text
from ..query.query import Dsl
from .stepped import Stepped

ENDPOINTS: Mapping[str, bool] = {
    "_search": True,
    "_msearch": True,
    "_explain": True,
    "_count": False,
    "_delete_by_query": False,
    "_update_by_query": False,
    "_validate/query": True,
}
"""Endpoints with a query in their body, and whether they rank by it or only select."""

ALL = ("", "_all")
"""Names of all indices, for which none stands here."""

TEMPLATES = ("/_search/template", "/_msearch/template")


@dataclass(frozen=True)
class Target:
    """What a path names: `index` (None: all), the endpoint, and whether more follows it."""

    index: str | None
    endpoint: str
    has_more: bool

    @property
    def ranks(self) -> bool:
        """Whether a query at this endpoint gives scores, or only selects."""
        return ENDPOINTS[self.endpoint]


@dataclass(frozen=True)
class Search:
    """One body with a query: what it is of, and how its request sees the cluster.

    `stepped`: what is made into two steps, if that is asked for.
    """

    target: Target
    body: Dsl
    view: View
    stepped: Stepped | None = None

    def within(self, index: str | None) -> "Search":
        """Return a search of another index; None: this one."""
        if index is None:
            return self
        return Search(replace(self.target, index=index), {}, View(headers=self.view.headers))


@lru_cache(maxsize=1024)
def parse_path(url: str) -> Target | None:
    """Return what a request's path names, or None where no query can be.

    >>> parse_path("/books/_search")
    Target(index='books', endpoint='_search', has_more=False)
    >>> parse_path("/books/_validate/query")
    Target(index='books', endpoint='_validate/query', has_more=False)
    """
    parts = [unquote(part) for part in url.partition("?")[0].strip("/").split("/")]
    is_named = parts[0] in ALL or not parts[0].startswith("_")
    index = _named(parts.pop(0)) if is_named else None
    if parts[:2] == ["_validate", "query"]:
        parts[:2] = ["_validate/query"]
    if not parts or parts[0] not in ENDPOINTS:
        return None
    return Target(index, parts[0], has_more=len(parts) > 1)


def is_template(url: str) -> bool:
    """Return whether a request's path is that of searches by a template.

    >>> is_template("/books/_search/template?routing=7"), is_template("/_msearch/template")
    (True, True)
    """
    return url.partition("?")[0].endswith(TEMPLATES)


def index_of(header: Mapping[str, Any], own: str | None) -> str | None:
    """Return the index that one search of an `_msearch` is of, by its header; None: all.

    `own` is that of the whole request. `index` counts before `indices`; an empty one names
    all, as `_all` does.

    >>> index_of({"indices": ["a", "b"]}, "c"), index_of({}, "c"), index_of({"index": ""}, "c")
    ('a,b', 'c', None)
    >>> index_of({"index": 2024}, None)
    '2024'
    """
    named = header.get("index", header.get("indices", own))
    return None if named is None else _named(as_text(named))


def _named(index: str) -> str | None:
    return None if index in ALL else index
