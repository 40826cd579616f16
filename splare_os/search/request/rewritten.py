"""A request as it goes out, and whether the reply is to what was asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .msearch import replies_in

Finish: TypeAlias = Callable[[Any], Any]
"""What makes of a server's reply what the application gets."""


@dataclass(frozen=True)
class Expected:
    """The concrete indices that one search may have hits of; None: there was none to be found."""

    indices: frozenset[str] | None

    def fits(self, reply: Any) -> bool:  # noqa: ANN401  # what a server says
        """Return whether a reply is of these indices.

        Between the look at a name and the search an alias may have moved.
        """
        if not isinstance(reply, Mapping):
            return True
        if self.indices is None:  # a pattern may stand for none; filter_path may hide shards
            shards = reply.get("_shards")
            return "error" in reply or not isinstance(shards, Mapping) or shards.get("total") == 0
        if _is_gone(reply):  # it was there when it was looked at
            return False
        hits = reply.get("hits")
        inner = hits.get("hits") if isinstance(hits, Mapping) else None
        found = [reply, *(inner if isinstance(inner, list) else ())]
        return all(hit["_index"] in self.indices for hit in found if "_index" in hit)


def _is_gone(reply: Mapping[str, Any]) -> bool:
    error = reply.get("error")
    return isinstance(error, Mapping) and error.get("type") == "index_not_found_exception"


def as_it_is(reply: Any) -> Any:  # noqa: ANN401
    """Return a reply."""
    return reply


def nothing(_: object) -> None:
    """Return that nothing stands in for a request."""


@dataclass(frozen=True)
class Rewritten:
    """Parameters and body; of each search what it expects, None: nothing to be checked.

    `finish` makes of the server's reply what the application gets. `otherwise` is told the reply,
    or the error, and gives the request that is sent instead, if the server refuses this one for
    what was added to it; None: the reply stands. `arm` is that of a rule's rollout.
    """

    params: Mapping[str, Any] | None
    body: Any
    expected: Sequence[Expected | None] = field(default_factory=tuple)
    finish: Finish = as_it_is
    otherwise: "Callable[[object], Rewritten | None]" = nothing
    arm: str | None = None

    def fits(self, reply: Any) -> bool:  # noqa: ANN401
        """Return whether a reply is to what was asked."""
        replies = replies_in(reply)
        if len(replies) != len(self.expected):  # filter_path leaves out those without anything
            return True
        pairs = zip(self.expected, replies, strict=True)
        return all(expected is None or expected.fits(one) for expected, one in pairs)
