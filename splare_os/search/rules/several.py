"""The searches of an `_msearch`, each as its rule has it, as one request."""

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any, TypeAlias

from ...reply import replies_of
from ..request.filter_path import STATUS, showing, shows, without_statuses
from ..request.msearch import with_searches
from ..request.refused import REFUSALS, error_reply
from ..request.rewritten import Rewritten
from ..rewrite.rewrite import NO_HITS
from .asking import Asking
from .tidy import without_our_fields

Searches: TypeAlias = Sequence[Rewritten | None]
"""Those of one request; those that are None keep their lines."""


def or_refused(make: Callable[[Asking], Rewritten | None], asking: Asking) -> Rewritten | None:
    """Return what `make` makes of one search; if it refuses it, one whose reply is that error."""
    try:
        return make(asking)
    except REFUSALS as error:
        if not shows(asking.params, STATUS):  # an answer that is left out has no place
            raise
        told = error_reply(error)
        return Rewritten(None, NO_HITS, finish=lambda _: told)


def together(params: Mapping[str, Any] | None, body: str | bytes, made: Searches) -> Rewritten:
    """Return an `_msearch` of its searches.

    Where `filter_path` leaves out answers of which nothing is left, their status is asked for, by
    which each has its place.
    """
    lines = with_searches(body, [None if one is None else one.body for one in made])
    expected = [one.expected[0] if one and one.expected else None for one in made]
    sent = showing(params, STATUS)
    is_whole = shows(sent, STATUS)

    def finish(reply: Any) -> Any:  # noqa: ANN401
        if not isinstance(reply, Mapping) or "responses" not in reply:
            return reply
        if not is_whole:
            return without_our_fields(reply)
        pairs = zip(replies_of(reply, len(made)), made, strict=True)
        done = [one.finish(each) if one else each for each, one in pairs]
        return {**reply, "responses": done} if sent is params else without_statuses(reply, done)

    def otherwise(refusal: object) -> Rewritten | None:
        instead = _instead(refusal, made) if is_whole or not isinstance(refusal, Mapping) else None
        return None if instead is None else together(params, body, instead)

    return Rewritten(sent, lines, expected, finish, otherwise)


def _instead(refusal: object, made: Searches) -> Searches | None:
    """Return the searches, others in place of those that were refused; None: none was."""
    has_each = isinstance(refusal, Mapping) and "responses" in refusal
    # a server may refuse all for one that it cannot read
    told = replies_of(refusal, len(made)) if has_each else repeat(refusal, len(made))
    pairs = zip(told, made, strict=True)
    instead = [one.otherwise(its) if one else None for its, one in pairs]
    both = zip(instead, made, strict=True)
    return [new or one for new, one in both] if any(instead) else None
