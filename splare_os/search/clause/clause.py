"""The `splare` clause: where it may stand in a search body, and what stands in it.

    {"splare": {"text": "oil embargo"}}
    {"splare": {"text": {"query": "oil embargo", "boost": 2.0, "min_score": 5.0}}}
    {"splare": {"text": {"query": "oil embargo", "scoring": "dot", "_name": "latents"}}}
    {"splare": {"text": {"query": "oil embargo", "top_k": 20, "mass": 0.9}}}
    {"splare": {"text": {"query": "oil embargo", "steer": {"mute": [12]}, "like": {"_id": "7"}}}}

It matches every document that shares one latent with the query, most of an index; so where a
clause only selects (`filter`, `must_not`, …) it needs a `min_score`.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from ...scoring import Scoring, check_scoring
from ...steering import Steering
from ..query.cut import NO_CUT, Cut
from ..query.query import Dsl
from ..steer.examples import KEYS, Examples

NAME = "splare"


@dataclass(frozen=True)
class Clause:
    """One `splare` clause: `field` is the text field whose impacts are searched.

    `name` is what hits are told to have matched, `_name` in the clause. The bounds of `cut` stand
    in the clause as they are called. `steer` may be the name of a profile. Without a query, one
    that has `examples.like` is "".
    """

    field: str
    query: str
    boost: float = 1.0
    min_score: float | None = None
    scoring: Scoring | None = None
    name: str | None = None
    cut: Cut = NO_CUT
    steer: Steering | str | None = None
    examples: Examples = Examples()


BOUNDS = {option.name for option in fields(Cut)}
OPTIONS = {"query", "boost", "min_score", "scoring"}
"""Fields of a clause that stand in it as they are called."""

Replace = Callable[[Clause], Dsl]

SUBQUERIES: Mapping[str, Mapping[str, bool]] = {
    "bool": {"must": True, "should": True, "filter": False, "must_not": False},
    "boosting": {"positive": True, "negative": False},
    "constant_score": {"filter": False},
    "dis_max": {"queries": True},
    "function_score": {"query": True, "functions": False},
    "has_child": {"query": True},
    "has_parent": {"query": True},
    "hybrid": {"queries": True, "filter": False},
    "nested": {"query": True},
    "pinned": {"organic": True},
    "script_score": {"query": True},
}
"""Compound queries: under which keys they hold queries, and whether those give scores."""

DROPPED: Mapping[str, tuple[str, Sequence[object]]] = {
    "has_child": ("score_mode", (None, "none")),
    "has_parent": ("score", (None, False, "false")),
}
"""Queries on other documents: the argument, and with which of its values (None: it is not there)
their scores do not count."""


def replace_clauses(query: Any, replace: Replace, *, scores: bool = True) -> Any:  # noqa: ANN401
    """Return `query` with each `splare` clause replaced; the argument is not altered.

    `scores` says whether the query's place gives scores. Raises `ValueError` for a clause that
    is malformed, or that would match most of the index where no score tells documents apart.
    """
    if isinstance(query, list):
        return [replace_clauses(item, replace, scores=scores) for item in query]
    if not isinstance(query, Mapping):
        return query
    return _replaced(query, replace, scores=scores)


def replace_in_body(body: Dsl, replace: Replace, *, scores: bool = True) -> Dsl:
    """Return a search body with the `splare` clauses of all its queries replaced."""
    changed = dict(body)
    if "query" in body:
        changed["query"] = replace_clauses(body["query"], replace, scores=scores)
    if "post_filter" in body:
        changed["post_filter"] = replace_clauses(body["post_filter"], replace, scores=False)
    if isinstance(body.get("rescore"), Mapping | list):
        changed["rescore"] = _in_rescore(body["rescore"], replace)
    for key in ("aggs", "aggregations"):
        if isinstance(body.get(key), Mapping):
            changed[key] = _in_aggregations(body[key], replace, replace)
    return changed


@dataclass(frozen=True)
class Parsed:
    """A search body whose clauses are read: an empty query, one of `places`, stands for each."""

    body: Dsl
    places: Sequence[tuple[Clause, Dsl]]

    @classmethod
    def of(cls, body: Dsl, *, scores: bool = True) -> Self:
        """Return a body, read; what is raised is what `replace_clauses` raises."""
        places: list[tuple[Clause, Dsl]] = []

        def leave(clause: Clause) -> Dsl:
            places.append((clause, {}))
            return places[-1][1]

        return cls(replace_in_body(body, leave, scores=scores), places)

    def filled(self, replace: Replace) -> Dsl:
        """Return the body with a query for each clause: at the same places, so only once."""
        for clause, place in self.places:
            place.update(replace(clause))
        return self.body


def _replaced(query: Mapping[str, Any], replace: Replace, *, scores: bool) -> Dsl:
    if NAME in query:
        return replace(parse(query, scores=scores))
    changed = dict(query)
    for kind, keys in SUBQUERIES.items():
        if isinstance(arguments := query.get(kind), Mapping):
            changed[kind] = dict(arguments)
            for key, gives_scores in keys.items():
                if key in arguments:
                    inner = scores and gives_scores and not _drops_scores(kind, arguments)
                    inside = _refuse_inside if kind == "nested" else replace
                    changed[kind][key] = _inner(kind, key, arguments[key], inside, inner)
    return changed


def _drops_scores(kind: str, arguments: Mapping[str, Any]) -> bool:
    option, values = DROPPED.get(kind, ("", ()))
    return bool(values) and arguments.get(option) in values


def _refuse_inside(clause: Clause) -> Dsl:
    """Raise `ValueError`: nested documents have no impacts, which stand beside all other fields."""
    raise ValueError(
        f"splare clause on {clause.field!r} stands in a nested query or aggregation, where it "
        "would find nothing: put it beside that (in an aggregation, below reverse_nested)"
    )


def _inner(kind: str, key: str, value: Any, replace: Replace, scores: bool) -> Any:  # noqa: ANN401, FBT001
    if (kind, key) != ("function_score", "functions") or not isinstance(value, list):
        return replace_clauses(value, replace, scores=scores)
    return [
        {**function, "filter": replace_clauses(function["filter"], replace, scores=False)}
        if isinstance(function, Mapping) and "filter" in function
        else function
        for function in value
    ]


def _in_rescore(rescore: Any, replace: Replace) -> Any:  # noqa: ANN401
    if isinstance(rescore, list):
        return [_in_rescore(item, replace) for item in rescore]
    query = rescore.get("query") if isinstance(rescore, Mapping) else None
    if not isinstance(query, Mapping) or "rescore_query" not in query:
        return rescore
    rescored = replace_clauses(query["rescore_query"], replace)
    return {**rescore, "query": {**query, "rescore_query": rescored}}


def _in_aggregations(aggregations: Dsl, replace: Replace, at_root: Replace) -> Dsl:
    return {
        name: _in_aggregation(content, replace, at_root) for name, content in aggregations.items()
    }


def _in_aggregation(aggregation: Any, replace: Replace, at_root: Replace) -> Any:  # noqa: ANN401
    if not isinstance(aggregation, Mapping):
        return aggregation
    changed = dict(aggregation)
    if "filter" in aggregation:
        changed["filter"] = replace_clauses(aggregation["filter"], replace, scores=False)
    for kind in ("filters", "adjacency_matrix"):
        arguments = aggregation.get(kind)
        queries = arguments.get("filters") if isinstance(arguments, Mapping) else None
        if isinstance(queries, list):
            replaced: Any = replace_clauses(queries, replace, scores=False)
        elif isinstance(queries, Mapping):
            replaced = {
                name: replace_clauses(query, replace, scores=False)
                for name, query in queries.items()
            }
        else:
            continue
        changed[kind] = {**aggregation[kind], "filters": replaced}
    for key in ("aggs", "aggregations"):
        if isinstance(aggregation.get(key), Mapping):
            below = _below(aggregation, replace, at_root)
            changed[key] = _in_aggregations(aggregation[key], below, at_root)
    return changed


def _below(aggregation: Mapping[str, Any], replace: Replace, at_root: Replace) -> Replace:
    """Return what replaces clauses in the aggregations below one."""
    if "nested" in aggregation:
        return _refuse_inside
    back = aggregation.get("reverse_nested")
    return at_root if isinstance(back, Mapping) and not back.get("path") else replace


def parse(query: Mapping[str, Any], *, scores: bool) -> Clause:
    """Return the clause in `query`; `ValueError` says what is wrong with it."""
    content = query[NAME]
    if len(query) != 1 or not isinstance(content, Mapping) or len(content) != 1:
        raise ValueError(f'{dict(query)!r}: write one field, {{"splare": {{"text": "words"}}}}')
    ((field, arguments),) = content.items()
    if isinstance(arguments, str):
        arguments = {"query": arguments}
    arguments = _checked(field, arguments)
    clause = Clause(
        field,
        name=arguments.get("_name"),
        cut=Cut(**{name: value for name, value in arguments.items() if name in BOUNDS}),
        steer=_steer(arguments),
        examples=Examples.parse(arguments),
        **{name: value for name, value in arguments.items() if name in OPTIONS},
    )
    if not scores and (clause.min_score is None or clause.min_score <= 0):
        raise ValueError(
            f"splare clause on {field!r} stands where scores do not count, and would match most of "
            "the index: give it a min_score above 0, or move it to must or should (has_child "
            "counts scores by score_mode, has_parent by score)"
        )
    return clause


def _checked(field: str, arguments: Any) -> Mapping[str, Any]:  # noqa: ANN401  # JSON
    """Return the arguments of a clause, their names and plain values checked."""
    if isinstance(arguments, Mapping) and "like" in arguments:
        arguments = {"query": "", **arguments}
    if not isinstance(arguments, Mapping) or not isinstance(arguments.get("query"), str):
        raise ValueError(f"splare clause on {field!r}: its query must be a string")
    try:
        arguments["query"].encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"splare clause on {field!r}: its query is no Unicode: {error}") from error
    known = OPTIONS | BOUNDS | KEYS | {"_name", "steer"}
    if unknown := arguments.keys() - known:
        raise ValueError(
            f"splare clause on {field!r} has {sorted(unknown)}; known are {sorted(known)}"
        )
    if not isinstance(name := arguments.get("_name"), str | None):
        raise ValueError(f"splare clause on {field!r}: _name={name!r} must be a string")
    for option in ("boost", "min_score"):
        value = arguments.get(option, 1.0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"splare clause on {field!r}: {option}={value!r} must be a number")
        if not abs(value) <= sys.float_info.max:
            raise ValueError(f"splare clause on {field!r}: {option}={value!r} must be finite")
    check_scoring(arguments.get("scoring"))
    return arguments


def _steer(arguments: Mapping[str, Any]) -> Steering | str | None:
    given = arguments.get("steer")
    return given if given is None or isinstance(given, str) else Steering.parse(given)
