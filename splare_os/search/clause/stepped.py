"""A search in two steps: its clause becomes a first pass, and its body gets a rescore.

That changes which documents the query matches, so it is refused where more than the best hits would
show it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..query.query import Dsl
from ..query.steps import Steps
from ..request.msearch import replies_in
from ..request.rewritten import Finish
from .clause import NAME, Clause, parse

WITHOUT: Mapping[str, str] = {
    "sort": "hits are sorted by something else than the score",
    "rescore": "there is another rescore",
    "collapse": "a server that collapses hits scores none anew",
    "search_after": "a server scores the first page anew alone: take `from`",
    "min_score": "it would be asked of the first pass",
    "indices_boost": "what is scored anew would be without it",
    "aggs": "they would count what the first pass finds: ask for them in a search without hits",
    "aggregations": "they would count what the first pass finds: ask for them in a search without "
    "hits",
}
AS_PARAMETER: Mapping[str, str] = {
    "scroll": "no hits are scored anew then",
    "sort": "no hits are scored anew then",
    "q": "a server searches that, and not the query in the body",
}
BESIDE = {"must", "filter", "must_not", "_name"}


@dataclass(frozen=True)
class Stepped:
    """What is searched in two steps: the clause that gives all of the score, and how it is done."""

    clause: Clause
    steps: Steps


Told: TypeAlias = Mapping[str, Any] | None
"""What the profile of a reply says of the plan of two steps; None: there is none."""


def the_clause(body: Dsl, params: Mapping[str, Any]) -> Clause:
    """Return the clause that is searched in two steps; `params` are those of the search's URL.

    It is the query, or the `must` of a `bool` beside what only selects. `ValueError` for any other
    search, with the reason.
    """
    for key, reason in AS_PARAMETER.items():
        if key in params:
            raise ValueError(f"ext.splare.two_step with {key}: {reason}")
    for key, reason in WITHOUT.items():
        if body.get(key):
            raise ValueError(f"ext.splare.two_step with {key}: {reason}")
    found = _alone(body.get("query"))
    if found is None:
        raise ValueError(
            "ext.splare.two_step: the query has to be a splare clause, or a bool whose `must` is "
            "one and whose other parts are `filter` and `must_not`"
        )
    clause = parse(found, scores=True)
    if clause.min_score is not None:
        raise ValueError("ext.splare.two_step with min_score: it would be asked of the first pass")
    return clause


def _alone(query: Any) -> Mapping[str, Any] | None:  # noqa: ANN401  # JSON
    """Return the clause that gives all of a query's score."""
    if not isinstance(query, Mapping):
        return None
    if query.keys() == {NAME}:
        return query
    inner = query.get("bool")
    if query.keys() != {"bool"} or not isinstance(inner, Mapping) or inner.keys() - BESIDE:
        return None
    must = inner.get("must")
    if isinstance(must, list):
        must = must[0] if len(must) == 1 else None
    return must if isinstance(must, Mapping) and must.keys() == {NAME} else None


def told(finish: Finish, plans: Sequence[Told]) -> Finish:
    """Return what finishes replies as `finish` does, and tells each plan in a reply's profile."""
    if not any(plans):
        return finish

    def finished(reply: Any) -> Any:  # noqa: ANN401  # what a server says
        replies = replies_in(reply)
        is_whole = len(replies) == len(plans)  # filter_path leaves out those without anything
        for one, made in zip(replies, plans, strict=True) if is_whole else ():
            profile = one.get("profile") if isinstance(one, Mapping) else None
            if made is not None and isinstance(profile, dict):
                profile[NAME] = made
        return finish(reply)

    return finished
