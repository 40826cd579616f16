"""Filters as people type them: query DSL as JSON, or `field:value`."""

import json
from collections.abc import Mapping, Sequence

from opensearchpy import OpenSearch

from ...errors import MappingError
from ...reply import part
from .query import Dsl


def parse_filters(texts: Sequence[str], paths: Mapping[str, str] | None = None) -> Dsl | None:
    """Return one query that selects what all the filters select; None if there are none.

    `field:value` selects documents that have all words of the value, or the value itself where the
    field is no text. `paths` tells of fields in nested objects the path of these: one of them has
    to have it. `ValueError` says which filter is neither.

    >>> parse_filters(["lang:en"])
    {'match': {'lang': {'query': 'en', 'operator': 'and'}}}
    """
    found = [_parsed(text, paths or {}) for text in texts]
    return {"bool": {"filter": found}} if len(found) > 1 else next(iter(found), None)


def _parsed(text: str, paths: Mapping[str, str]) -> Dsl:
    if not _is_json(text):
        name, value = _field_and_value(text)
        match = {"match": {name: {"query": value, "operator": "and"}}}
        if name not in paths:
            return match
        return {"nested": {"path": paths[name], "query": match, "ignore_unmapped": True}}
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


def find_filters(client: OpenSearch, index: str, texts: Sequence[str]) -> Dsl | None:
    """Return what `parse_filters` does, of fields in nested objects too.

    `MappingError` if a `field:value` names a field that no index has: it would select nothing, and
    nobody would know why.
    """
    names = [_field_and_value(text)[0] for text in texts if not _is_json(text)]
    if not names:
        return parse_filters(texts)
    found = part(client.field_caps(index=index, fields=",".join(names)), "fields", kind=dict)
    if missing := [name for name in names if name not in found]:
        raise MappingError(
            f"index {index!r} has no field {missing[0]!r} to filter by: see GET {index}/_mapping"
        )
    nested = {name for name, types in found.items() if list(types) == ["nested"]}
    paths = {name: path for name in names for path in _above(name) if path in nested}
    return parse_filters(texts, paths)


def _above(name: str) -> list[str]:
    """Return the paths of the objects that a field is in, the innermost last.

    >>> _above("a.b.c")
    ['a', 'a.b']
    """
    steps = name.split(".")
    return [".".join(steps[:n]) for n in range(1, len(steps))]
