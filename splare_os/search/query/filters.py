"""Filters as people type them: query DSL as JSON, or `field:value`."""

import json
from collections.abc import Sequence

from opensearchpy import OpenSearch

from ...errors import MappingError
from ...reply import part
from .query import Dsl


def parse_filters(texts: Sequence[str]) -> Dsl | None:
    """Return one query that selects what all the filters select; None if there are none.

    `field:value` selects documents that have all words of the value, or the value itself where the
    field is no text. `ValueError` says which filter is neither.

    >>> parse_filters(["lang:en"])
    {'match': {'lang': {'query': 'en', 'operator': 'and'}}}
    """
    found = [_parsed(text) for text in texts]
    return {"bool": {"filter": found}} if len(found) > 1 else next(iter(found), None)


def _parsed(text: str) -> Dsl:
    if not _is_json(text):
        name, value = _field_and_value(text)
        return {"match": {name: {"query": value, "operator": "and"}}}
    try:
        query: Dsl = json.loads(text)
    except ValueError as error:
        raise ValueError(f"filter {text!r}: it is no JSON ({error})") from error
    return query


def _is_json(text: str) -> bool:
    return text.lstrip().startswith("{")


def _field_and_value(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    if not (name.strip() and value.strip()):
        raise ValueError(f"filter {text!r}: write field:value, or query DSL as JSON")
    return name.strip(), value.strip()


def require_fields(client: OpenSearch, index: str, texts: Sequence[str]) -> None:
    """Raise `MappingError` if a `field:value` names a field that no index has.

    It would select nothing, and nobody would know why.
    """
    names = [_field_and_value(text)[0] for text in texts if not _is_json(text)]
    if not names:
        return
    found = part(client.field_caps(index=index, fields=",".join(names)), "fields")
    if missing := [name for name in names if name not in found]:
        raise MappingError(
            f"index {index!r} has no field {missing[0]!r} to filter by: see GET {index}/_mapping"
        )
