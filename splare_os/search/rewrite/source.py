"""Keep impacts, hundreds of numbers a document, out of search replies that did not ask for them."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ...documents.fields import SUFFIX

IMPACTS = f"*{SUFFIX}.impacts"
INCLUDES, EXCLUDES = ("includes", "include"), ("excludes", "exclude")
"""Keys of a `_source` that filters, as servers spell them."""

SOURCE = "_source"
PARAMETERS = (SOURCE, "_source_includes", "_source_excludes")


def exclude_impacts(source: Any) -> Any:  # noqa: ANN401  # JSON
    """Return a body's `_source` with impacts excluded, unless it names them or wants nothing.

    True is what a body without one has. What a server refuses comes back as it is.

    >>> exclude_impacts(True)
    {'excludes': ['*_splare.impacts']}
    >>> exclude_impacts(["title"])
    {'includes': ['title'], 'excludes': ['*_splare.impacts']}
    >>> exclude_impacts(["text_splare.impacts"])
    ['text_splare.impacts']
    """
    if source is True:
        return {EXCLUDES[0]: [IMPACTS]}
    if not isinstance(source, str | list | tuple | Mapping) or _names_impacts(source):
        return source
    filters = source if isinstance(source, Mapping) else {INCLUDES[0]: _as_list(source)}
    kept = {key: one for key, one in filters.items() if key in INCLUDES}
    excludes = [one for key, one in filters.items() if key in EXCLUDES]
    if len(kept) + len(excludes) < len(filters) or None in excludes:
        return source
    excluded = _as_list(excludes[-1]) if excludes else []  # of two, the last counts
    return {**kept, EXCLUDES[0]: [*excluded, IMPACTS]}


def exclude_impacts_by_parameter(
    params: Mapping[str, Any], *, is_stored: bool = False
) -> dict[str, Any]:
    """Return URL parameters with impacts excluded: on the server they override a body's.

    `is_stored`: `_source` is among the stored fields, and comes though it is not wanted.
    """
    asked = names_in(params.get("_source_includes", params.get(SOURCE)))
    if (asked == ["false"] and not is_stored) or _names_impacts(asked):
        return dict(params)
    excludes = names_in(params.get("_source_excludes"))
    return {**params, "_source_excludes": ",".join([*excludes, IMPACTS])}


def picked(source: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """Return what of a document the patterns `fields` name, as `_source` of a search does.

    >>> picked({"a": {"b": 1, "c": 2}, "d": 3, "e": [{"f": 4, "g": 5}]}, ["a.b", "e.f", "x*"])
    {'a': {'b': 1}, 'e': [{'f': 4}]}
    """
    return _picked(source, fields, "")


def _picked(source: Mapping[str, Any], fields: Sequence[str], path: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in source.items():
        here = path + name
        if any(fnmatchcase(here, pattern) for pattern in fields):
            kept[name] = value
        elif isinstance(value, Mapping):
            if inside := _picked(value, fields, f"{here}."):
                kept[name] = inside
        elif isinstance(value, list):
            parts = [_picked(one, fields, f"{here}.") for one in value if isinstance(one, Mapping)]
            if any(parts):
                kept[name] = list(filter(None, parts))
    return kept


def _names_impacts(source: Any) -> bool:  # noqa: ANN401
    if isinstance(source, Mapping):
        source = [name for key in INCLUDES for name in _as_list(source.get(key))]
    return any(isinstance(name, str) and SUFFIX in name for name in _as_list(source))


def names_in(parameter: Any) -> list[str]:  # noqa: ANN401
    """Return the names in a list or a parameter, which opensearch-py has made bytes of by now."""
    if isinstance(parameter, bytes):
        parameter = parameter.decode()
    if isinstance(parameter, bool):
        return [str(parameter).lower()]
    return parameter.split(",") if isinstance(parameter, str) else _as_list(parameter)


def _as_list(value: Any) -> list[Any]:  # noqa: ANN401
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
