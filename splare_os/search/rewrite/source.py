"""Keep impacts, hundreds of numbers a document, out of search replies that did not ask for them."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ...documents.fields import SUFFIX

IMPACTS = f"*{SUFFIX}.impacts"
FILTERS = {"includes", "include", "excludes", "exclude"}
PARAMETERS = ("_source", "_source_includes", "_source_excludes")


def exclude_impacts(source: Any) -> Any:  # noqa: ANN401  # JSON
    """Return a body's `_source` with impacts excluded, unless it names them or wants nothing.

    >>> exclude_impacts(["title"])
    {'includes': ['title'], 'excludes': ['*_splare.impacts']}
    >>> exclude_impacts(["text_splare.impacts"])
    ['text_splare.impacts']
    """
    if source is False or source == "false" or _names_impacts(source):
        return source
    filters = source if isinstance(source, Mapping) else {"includes": source}
    if filters.keys() - FILTERS:  # which the server refuses
        return source
    includes = filters.get("includes", filters.get("include"))
    excludes = _as_list(filters.get("excludes", filters.get("exclude")))
    if includes in (None, True, "true"):
        return {"excludes": [*excludes, IMPACTS]}
    return {"includes": _as_list(includes), "excludes": [*excludes, IMPACTS]}


def exclude_impacts_by_parameter(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return URL parameters with impacts excluded: on the server they override a body's."""
    asked = names_in(params.get("_source_includes", params.get("_source")))
    if asked == ["false"] or _names_impacts(asked):
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
        source = source.get("includes", source.get("include"))
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
