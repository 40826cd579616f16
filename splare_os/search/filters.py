"""Filters as people type them: query DSL as JSON, or `field:value`."""

import json
from collections.abc import Sequence

from opensearchpy import OpenSearch

from ..errors import MappingError
from ..reply import part
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
    if not text.lstrip().startswith("{"):
        name, colon, value = text.partition(":")
        if not (name.strip() and colon and value.strip()):
            raise ValueError(f"filter {text!r}: write field:value, or query DSL as JSON")
        return {"match": {name.strip(): {"query": value.strip(), "operator": "and"}}}
    try:
        query: Dsl = json.loads(text)
    except ValueError as error:
        raise ValueError(f"filter {text!r}: it is no JSON ({error})") from error
    return query


def require_fields(client: OpenSearch, index: str, query: Dsl | None) -> None:
    """Raise `MappingError` if a `field:value` names a field that no index has.

    It would select nothing, and nobody would know why.
    """
    queries = [query] if query is None else query.get("bool", {}).get("filter", [query])
    names = [name for each in queries if each for name in each.get("match", ())]
    if not names:
        return
    found = part(client.field_caps(index=index, fields=",".join(names)), "fields")
    if missing := [name for name in names if name not in found]:
        raise MappingError(
            f"index {index!r} has no field {missing[0]!r} to filter by: see GET {index}/_mapping"
        )
