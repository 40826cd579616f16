"""Impacts stay out of the `fields` of hits, where servers leave nothing out that a pattern fits."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...documents.fields import SUFFIX
from ..request.rewritten import Finish

IMPACTS = f"{SUFFIX}.impacts"
SHOWN = ("_source", "fields")


def by_pattern(body: Any) -> bool:  # noqa: ANN401  # JSON
    """Return whether hits may have impacts among `fields`, whose patterns fit and do not name them.

    >>> by_pattern({"fields": ["*"]}), by_pattern({"fields": ["title", "*_splare*"]})
    (True, False)
    """
    names = list(_names(body))
    return any("*" in name for name in names) and not any(SUFFIX in name for name in names)


def _names(part: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield what every list of `fields` names, of hits of any kind."""
    if isinstance(part, list):
        for one in part:
            yield from _names(one)
    if not isinstance(part, Mapping):
        return
    for key, value in part.items():
        for one in value if key == "fields" and isinstance(value, list) else ():
            name = one.get("field") if isinstance(one, Mapping) else one
            yield from [name] if isinstance(name, str) else []
        yield from _names(value)


def without_impacts_in_fields(finish: Finish, body: Any) -> Finish:  # noqa: ANN401
    """Return what finishes a reply as `finish` does, without impacts that `body` does not name.

    `body` is that of a search, or those of several.
    """
    if not by_pattern(body):
        return finish

    def finished(reply: Any) -> Any:  # noqa: ANN401  # what a server says
        return finish(_cleared(reply))

    return finished


def _cleared(reply: Any) -> Any:  # noqa: ANN401
    """Return a reply in whose hits, wherever they are, `fields` have no impacts.

    >>> _cleared([{"_id": "a", "fields": {"n": [1], "text_splare.impacts": [{"7": 1.5}]}}])
    [{'_id': 'a', 'fields': {'n': [1]}}]
    """
    if isinstance(reply, list):
        return [_cleared(one) for one in reply]
    if not isinstance(reply, Mapping):
        return reply
    kept = {key: one if key in SHOWN else _cleared(one) for key, one in reply.items()}
    if isinstance(fields := reply.get("fields"), Mapping):
        kept["fields"] = _without(fields)
        if not kept["fields"] and fields:
            del kept["fields"]
    return kept


def _without(fields: Any) -> Any:  # noqa: ANN401
    """Return fields without impacts; those of nested documents stand in lists."""
    if isinstance(fields, list):
        return [_without(one) for one in fields]
    if not isinstance(fields, Mapping):
        return fields
    return {key: _without(one) for key, one in fields.items() if not key.endswith(IMPACTS)}
