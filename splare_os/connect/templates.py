"""Index templates of others, which make indices of a route's pattern before its own does."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from opensearchpy import OpenSearch

from ..errors import ConnectError
from ..reply import part, rows
from .bodies import PRIORITY, Route


@dataclass(frozen=True)
class Before:
    """A template of others that goes before ours; `is_all`: for all indices of our pattern."""

    name: str
    patterns: tuple[str, ...]
    priority: int
    is_all: bool

    def __str__(self) -> str:
        return (
            f"makes indices of {', '.join(self.patterns)} before ours does (priority "
            f"{self.priority}, ours {PRIORITY}): they are not made for impacts. Give it a lower "
            "priority, or another pattern, or add to it what --dry-run shows of ours"
        )


def require_room(client: OpenSearch, route: Route) -> None:
    """Raise `ConnectError` if a template of others makes every index of a route's pattern."""
    for one in before(client, route):
        if one.is_all:
            raise ConnectError(f"pattern={route.pattern!r}: index template {one.name!r} {one}")


def before(client: OpenSearch, route: Route) -> Iterator[Before]:
    """Yield the templates that go before a route's own, and do not make indices for it, too."""
    if route.pattern is None:
        return
    reply = client.indices.get_index_template()
    for one in rows(reply, "index_templates"):
        body = one["index_template"]
        priority, patterns = body.get("priority", 0), tuple(body["index_patterns"])
        if one["name"] == route.name or priority <= PRIORITY:
            continue
        is_near = any(overlaps(theirs, route.pattern) for theirs in patterns)
        if is_near and not _does_the_same(client, one["name"], route):
            is_all = any(fnmatchcase(route.pattern, theirs) for theirs in patterns)
            yield Before(one["name"], patterns, priority, is_all)


def _does_the_same(client: OpenSearch, name: str, route: Route) -> bool:
    """Return whether a template, with its components, has the route's pipeline and its record."""
    made = part(client.indices.simulate_template(name=name), "template", kind=dict)
    settings = made.get("settings", {}).get("index", {})
    records = made.get("mappings", {}).get("_meta", {}).get("splare", {})
    return bool(
        settings.get("default_pipeline") == route.name
        and records.get(route.field) == route.record.to_meta()
    )


@cache
def overlaps(one: str, other: str) -> bool:
    """Return whether an index may have a name of both patterns.

    >>> overlaps("logs-*", "*-audit"), overlaps("logs-*", "log*"), overlaps("logs-*", "metrics-*")
    (True, True, False)
    """
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return overlaps(one[1:], other) or overlaps(one, other[1:])
    if other[0] == "*":
        return overlaps(other, one)
    return one[0] == other[0] and overlaps(one[1:], other[1:])
