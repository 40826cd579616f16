"""One search that an application asks for, alone or among others."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

from ...documents.fields import SUFFIX
from ...layout.view import Headers
from ..clause.clause import NAME
from ..clause.target import index_of
from ..query.query import Dsl
from ..request.filter_path import shows

PAGE = ("from", "size")

OF_ALL = frozenset({"max_concurrent_searches"})
"""Parameters of an `_msearch` that say nothing of one search."""


@dataclass(frozen=True)
class Asking:
    """A search: its path and index, its parameters, and its body as JSON has it."""

    url: str
    index: str | None
    params: Mapping[str, Any] | None
    body: Any
    headers: Headers = field(default_factory=dict)
    is_of_several: bool = False

    @cached_property
    def _text(self) -> str:
        return json.dumps(self.body, default=str)

    @property
    def has_clause(self) -> bool:
        """Whether the application asks for SPLARE itself.

        >>> Asking("/a/_search", "a", None, {"query": {"match": {"text": "splare"}}}).has_clause
        False
        """
        return f'"{NAME}":' in self._text

    @property
    def names_our_fields(self) -> bool:
        """Whether the application knows of impacts fields."""
        return SUFFIX in self._text or any(
            SUFFIX in str(one) for one in (self.params or {}).values()
        )

    @property
    def shows_ids(self) -> bool:
        """Whether the hits of the reply, if there are any, have ids."""
        above = "responses." if self.is_of_several else ""
        return shows(self.params, f"{above}hits.hits._id")

    @property
    def without_page(self) -> Dsl:
        """The parameters but for `from` and `size`."""
        return {key: one for key, one in (self.params or {}).items() if key not in PAGE}


def asking_of(
    index: str | None,
    params: Mapping[str, Any] | None,
    header: Dsl,
    body: Any,  # noqa: ANN401  # JSON
    headers: Headers,
) -> Asking:
    """Return one search of an `_msearch`, whose own index is `index`, as if it stood alone."""
    name = index_of(header, index)
    path = f"/{quote(name, safe=',*')}/_search" if name else "/_search"
    shared = {key: one for key, one in (params or {}).items() if key not in OF_ALL}
    own = {key: _as_parameter(one) for key, one in header.items() if key != "index"}
    return Asking(path, name, {**shared, **own}, body, headers, is_of_several=True)


def _as_parameter(value: Any) -> Any:  # noqa: ANN401  # JSON
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else value
