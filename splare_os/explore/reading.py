"""One document, to be read: its text in parts, marked by what a query shares with it."""

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from ..documents.document import encoded_text
from ..errors import MappingError
from ..reply import rows
from ..search.hits.reading import ids_query
from ..search.rewrite.source import exclude_impacts
from .messages import Explaining, Reading
from .pieces import Pieces, between, whole_text
from .place import Place, title_of
from .searching import explained

Json: TypeAlias = dict[str, Any]

PART = 20_000
"""Characters of a text that are told at once."""

MOST_OF_A_FIELD = 500
MOST_FIELDS = 40


class NoDocumentError(MappingError):
    """There is no document of that id."""


def read_document(place: Place, asked: Reading) -> Json:
    """Return `PART` characters of a document's text from `start` on, and its other fields.

    `next` is where the text goes on; None: nowhere. `NoDocumentError` if it is not there.
    """
    source, text = document(place, asked.id)
    whole, has_places = _marked(place, asked, text)
    end = asked.start + PART
    record = place.record()
    return {
        "id": asked.id,
        "title": title_of(source, record),
        "pieces": between(whole, asked.start, end),
        "n_characters": len(text),
        "next": end if end < len(text) else None,
        "has_places": has_places,
        "fields": _others(source, {*record.text_fields, place.impacts().name}),
    }


def document(place: Place, name: str) -> tuple[Json, str]:
    """Return the `_source` of a document without impacts, and the text that is encoded of it."""
    body = {"query": ids_query([name]), "size": 1, "_source": exclude_impacts({})}
    hits = rows(place.client.search(index=place.index, body=body), "hits", "hits")
    if not hits:
        raise NoDocumentError(f"index {place.index!r} has no document {name!r}")
    source = hits[0]["_source"]
    return source, encoded_text(source, place.record().document_fields)


def _marked(place: Place, asked: Reading, text: str) -> tuple[Pieces, bool]:
    """Return the text in pieces, and whether it is known where its latents come from."""
    if asked.query or asked.like:
        for hit in explained(place, Explaining.of(asked, asked.id)):
            if hit.text == text and any(one.document_span for one in hit.matches):
                return whole_text(hit), True
    return ([(text, False)] if text else []), False


def _others(source: Json, known: set[str]) -> dict[str, str]:
    """Return fields that are not encoded, as text, each no longer than can be looked at."""
    found: dict[str, list[object]] = {}
    for path, value in _leaves(source):
        if not any(f"{path}.".startswith(f"{one}.") for one in known):
            found.setdefault(path, []).append(value)
    told = {path: values[0] if len(values) == 1 else values for path, values in found.items()}
    kept = list(told.items())[:MOST_FIELDS]
    return {path[:100]: _as_text(value)[:MOST_OF_A_FIELD] for path, value in kept}


def _leaves(body: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield what a document holds, with its path: objects are looked into, also those in arrays."""
    if isinstance(body, dict) and body:
        for name, value in body.items():
            yield from _leaves(value, f"{path}.{name}" if path else name)
    elif isinstance(body, list) and any(isinstance(one, dict) for one in body):
        for one in body:
            yield from _leaves(one, path)
    else:
        yield path, body


def _as_text(value: object) -> str:
    told = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value if isinstance(value, str) else told
