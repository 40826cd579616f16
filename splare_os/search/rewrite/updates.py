"""Requests of an application that would take impacts out of a compact index: refused."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from opensearchpy import OpenSearch
from opensearchpy.exceptions import AuthorizationException

from ...errors import MappingError, ReplyError
from ...layout.compact import is_compact
from ...layout.records import TRUSTED_S, read_mappings, records_of
from ...layout.view import Headers, View
from ..weigh.check import credentials


class UpdateCheck:
    """Knows for `TRUSTED_S` which of the indices that a client updates are compact."""

    def __init__(self, client: OpenSearch) -> None:
        self._client = client
        self._known: dict[tuple[str, str], tuple[float, str]] = {}

    def __call__(
        self,
        url: str,
        body: Any,  # noqa: ANN401  # what a user hands in
        headers: Headers,
    ) -> None:
        """Raise `MappingError` if a request would lose the impacts of documents that it changes."""
        for index in dict.fromkeys(updated(url, body)):
            if field := self._compact_field(index, headers):
                raise MappingError(
                    f"index {index!r} is compact, and this request would lose the impacts in "
                    f"{field!r}: write whole documents with `splare-os index`, or update through a "
                    "client without this check and let `splare-os backfill` make them anew"
                )

    def _compact_field(self, index: str, headers: Headers) -> str:
        """Return a field of an index, or of those of a name, whose impacts would be lost; or ""."""
        question, now = (index, credentials(headers)), time.monotonic()
        until, field = self._known.get(question, (now, ""))
        if now < until:
            return field
        found = next(iter(self._compact_fields(index, headers)), "")
        kept = {asked: answer for asked, answer in self._known.items() if now < answer[0]}
        self._known = kept | {question: (now + TRUSTED_S, found)}
        return found

    def _compact_fields(self, index: str, headers: Headers) -> list[str]:
        """Return the fields of compact indices behind a name, as far as its user may see them."""
        view = View({"ignore_unavailable": "true", "allow_no_indices": "true"}, headers)
        try:
            mappings = read_mappings(self._client, index, view)
        except (AuthorizationException, ReplyError):
            return []
        return [
            field
            for name, one in mappings.items()
            for field in records_of(name, one)
            if is_compact(one, field)
        ]


def is_update(url: str, body: Any) -> bool:  # noqa: ANN401
    """Return whether a request may update documents by part, or copy them; quick, for any size."""
    path = _path(url)
    if "_bulk" in path[:2]:
        return _may_update(body)
    return path[0] == "_reindex" or path[1:2] in (["_update"], ["_update_by_query"])


def updated(url: str, body: Any) -> Iterator[str]:  # noqa: ANN401
    r"""Yield the indices whose documents a request updates by part, or copies from `_source`.

    >>> list(updated("/books/_update/7", {}))
    ['books']
    >>> list(updated("/_bulk", b'{"update": {"_index": "a", "_id": "1"}}\n{"doc": {}}\n'))
    ['a']
    """
    path = _path(url)
    if "_bulk" in path[:2]:
        yield from _of_bulk(None if path[0] == "_bulk" else path[0], body)
    elif path[0] == "_reindex":
        yield from _of_reindex(body)
    elif path[1:2] in (["_update"], ["_update_by_query"]):
        yield path[0]


def _path(url: str) -> list[str]:
    return [unquote(part) for part in url.partition("?")[0].strip("/").split("/")]


def _may_update(body: Any) -> bool:  # noqa: ANN401
    return (
        '"update"' in body
        if isinstance(body, str)
        else isinstance(body, bytes) and (b'"update"' in body)
    )


def _of_bulk(index: str | None, body: Any) -> Iterator[str]:  # noqa: ANN401
    if not _may_update(body):
        return
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    lines = iter(line for line in text.split("\n") if line.strip())
    for line in lines:
        action = _loads(line)
        for kind, told in action.items() if isinstance(action, Mapping) else ():
            name = told.get("_index", index) if isinstance(told, Mapping) else index
            if kind == "update" and isinstance(name, str):
                yield name
            if kind != "delete":
                next(lines, None)


def _of_reindex(body: Any) -> Iterator[str]:  # noqa: ANN401
    content = _loads(body)
    source = content.get("source") if isinstance(content, Mapping) else None
    if not isinstance(source, Mapping) or "remote" in source:
        return
    names = source.get("index")
    yield from names if isinstance(names, list) else [names] if isinstance(names, str) else ()


def _loads(body: Any) -> Any:  # noqa: ANN401
    """Return JSON as it is meant; None of what is none: the server says so."""
    if not isinstance(body, str | bytes):
        return body
    try:
        return json.loads(body)
    except ValueError:
        return None
