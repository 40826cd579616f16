"""A reply of the cluster, read key by key: what is not there is told.

Between client and cluster stand proxies, and some answer themselves: a page with status 200, an
empty object, JSON that breaks off.
"""

from collections.abc import Mapping
from typing import Any, TypeVar, overload

from opensearchpy import NotFoundError

from .errors import ReplyError

T = TypeVar("T")

NO_INDEX = "index_not_found_exception"

SHOWN = 200
"""Characters of an unreadable reply that its error repeats."""


@overload
def part(reply: object, *path: str) -> Any: ...  # noqa: ANN401  # what a server sends
@overload
def part(reply: object, *path: str, kind: type[T]) -> T: ...
def part(reply: object, *path: str, kind: type[Any] = object) -> Any:  # noqa: ANN401
    """Return what stands at `path` in a reply; `ReplyError` if nothing of that kind does.

    >>> part({"hits": {"total": {"value": 3}}}, "hits", "total", "value", kind=int)
    3
    """
    found = reply
    for key in path:
        if not isinstance(found, Mapping) or key not in found:
            raise ReplyError(
                f"the cluster's reply has no {'.'.join(path)}: {str(reply)[:SHOWN]!r}. Is there a "
                "proxy between that answers itself?"
            )
        found = found[key]
    allowed = (int, float) if kind is float else kind
    if not isinstance(found, allowed) or (kind in {int, float} and isinstance(found, bool)):
        raise ReplyError(
            f"the cluster's reply has {str(found)[:SHOWN]!r} as its {'.'.join(path) or 'whole'}, "
            f"which is no {kind.__name__}. Is there a proxy between that answers itself?"
        )
    return found


def number(reply: object, *path: str) -> int:
    """Return the number that stands as text at `path`, as settings have it; else `ReplyError`.

    >>> number({"index.number_of_shards": "2"}, "index.number_of_shards")
    2
    """
    found = part(reply, *path, kind=str)
    if not found.isdecimal():
        raise ReplyError(
            f"the cluster's reply has {found[:SHOWN]!r} as its {'.'.join(path)}, which is no "
            "number. Is there a proxy between that answers itself?"
        )
    return int(found)


def rows(reply: object, *path: str) -> list[dict[str, Any]]:
    """Return the list of objects at `path` in a reply, such as its hits; else `ReplyError`.

    >>> rows({"hits": {"hits": [{"_id": "a"}]}}, "hits", "hits")
    [{'_id': 'a'}]
    """
    found = part(reply, *path, kind=list)
    if not all(isinstance(one, dict) for one in found):
        raise ReplyError(
            f"the cluster's reply has {str(found)[:SHOWN]!r} as its {'.'.join(path) or 'whole'}, "
            "which are no objects. Is there a proxy between that answers itself?"
        )
    return found


def parts(reply: object, key: str) -> dict[str, dict[str, Any]]:
    """Return the object at `key` under each name of a reply; `ReplyError` if one has none.

    >>> parts({"i": {"mappings": {}}}, "mappings")
    {'i': {}}
    """
    if not isinstance(reply, Mapping):
        raise ReplyError(
            f"the cluster's reply is no object: {str(reply)[:SHOWN]!r}. Is there a proxy between "
            "that answers itself?"
        )
    return {str(name): part(body, key, kind=dict) for name, body in reply.items()}


def named_parts(reply: object, key: str) -> dict[str, dict[str, Any]]:
    """Return the `parts` of a reply about a name; `ReplyError` if there are none.

    What there is not is a 404, never an empty reply.
    """
    return parts(reply, key) or part(reply, key, kind=dict)


def replies_of(reply: object, n_searches: int) -> list[Mapping[str, Any]]:
    """Return the reply to each search of an `_msearch`; `ReplyError` unless each has one.

    >>> replies_of({"responses": [{"took": 1}, {"error": {}}]}, 2)
    [{'took': 1}, {'error': {}}]
    """
    found = part(reply, "responses")
    are_objects = isinstance(found, list) and all(isinstance(one, Mapping) for one in found)
    if not are_objects or len(found) != n_searches:
        raise ReplyError(
            f"{n_searches} searches were sent, and not answered one by one: "
            f"{str(found)[:SHOWN]!r}. Is there a proxy between that answers itself?"
        )
    return list(found)


def documents_of(reply: object, n_documents: int) -> list[dict[str, Any]]:
    """Return what an `_mget` has of each document that it was asked for, in their order.

    >>> documents_of({"docs": [{"_id": "a", "found": False}]}, 1)
    [{'_id': 'a', 'found': False}]
    """
    found = rows(reply, "docs")
    if len(found) != n_documents:
        raise ReplyError(
            f"{n_documents} documents were asked for, and {len(found)} came: "
            f"{str(found)[:SHOWN]!r}. Is there a proxy between that answers itself?"
        )
    return found


def require_whole(reply: object, index: str) -> None:
    """Raise `ReplyError` unless all shards have answered a search, in time.

    A shard that is down is in the total, and not among the failed.
    """
    shards = part(reply, "_shards")
    if part(shards, "successful") != part(shards, "total") or part(reply, "timed_out"):
        raise ReplyError(
            f"index {index!r}: not all of its shards answer ({shards}), so that documents are "
            "missing: try again when it is well"
        )


def require_no_index(error: NotFoundError) -> None:
    """Raise `ReplyError` unless it is the cluster that says that there is no such index.

    A gateway's 404 says nothing of indices.
    """
    if error.error != NO_INDEX:
        raise ReplyError(f"not found, and not for want of an index: {error}") from error
