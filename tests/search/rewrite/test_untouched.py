"""Any body that an application may send: only clauses change, where a query may stand."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from splare_os.search.clause.clause import NAME, SUBQUERIES, Clause, replace_in_body
from splare_os.search.rewrite.parts import without_impacts
from splare_os.search.rewrite.source import IMPACTS

MARK = "a clause that was here"

names = st.sampled_from(["title", "text", "a.b", "größe", "", "boost", "query", "queries"])
scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=4)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
unknown = st.dictionaries(st.sampled_from(["x_new", "future", "_meta"]), values, max_size=2)
leaves = st.one_of(
    st.builds(lambda kind, inner: {kind: inner}, st.sampled_from(["match", "term", "knn"]), values),
    st.just({"match_all": {}}),
    st.builds(lambda inner: {"nested": {"path": "a", "query": inner}}, values),  # holds no clause
    values,  # what is no query is the server's to refuse
)
clauses = st.builds(
    lambda text, boost: {NAME: {"text": {"query": text, "boost": boost, "min_score": 1.0}}},
    st.text(max_size=5),
    st.floats(0, 3),
)


def compounds(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Every compound query, with one query or several under each key, and keys of any kind."""

    def of(kind: str) -> st.SearchStrategy[Any]:
        some = st.one_of(inner, st.lists(inner, max_size=2))
        keys = dict.fromkeys(SUBQUERIES[kind], some)
        if kind == "function_score":
            function = st.builds(lambda query, rest: {"filter": query, **rest}, inner, unknown)
            keys["functions"] = st.none() | st.lists(function, max_size=2)
        held = st.fixed_dictionaries({}, optional=keys)
        return st.builds(
            lambda held, rest, more: {kind: {**held, **rest}, **more}, held, unknown, unknown
        )

    return st.one_of([of(kind) for kind in SUBQUERIES if kind != "nested"])


queries = st.recursive(leaves | clauses, compounds, max_leaves=8)


def aggregations(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Aggregations with filters, and others, one below another."""
    named = st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "filter": queries,
        "filters": st.fixed_dictionaries(
            {
                "filters": st.lists(queries, max_size=2)
                | st.dictionaries(names, queries, max_size=2)
                | values
            }
        ),
        "terms": values,
        "aggs": named | st.none(),
        "x_new": values,
    }
    return st.fixed_dictionaries({}, optional=kinds)


aggregation = st.recursive(values, aggregations, max_leaves=4)
rescores = st.one_of(
    values,
    st.fixed_dictionaries(
        {"window_size": values, "query": st.fixed_dictionaries({"rescore_query": queries})}
    ),
)
bodies = st.builds(
    lambda known, rest: {**rest, **known},
    st.fixed_dictionaries(
        {},
        optional={
            "query": queries,
            "post_filter": queries,
            "rescore": rescores | st.lists(rescores, max_size=2),
            "aggs": st.dictionaries(st.sampled_from(["g", "h"]), aggregation, max_size=2),
            "aggregations": values,
            "sort": values,
            "highlight": st.builds(lambda query: {"highlight_query": query}, queries),
            "suggest": values,
            "size": values,
        },
    ),
    unknown,
)


def has_clause(value: Any) -> bool:
    if isinstance(value, dict):
        return NAME in value or any(map(has_clause, value.values()))
    return isinstance(value, list) and any(map(has_clause, value))


def compare(before: Any, after: Any, seen: list[Clause], path: tuple[Any, ...] = ()) -> None:
    """Assert that two bodies are equal, but for clauses, each replaced by what was made of it."""
    if isinstance(after, dict) and MARK in after:
        (text,) = before[NAME].values()
        assert after == {MARK: seen.index(Clause("text", **text))}, path
        assert list(before) == [NAME], path
        return
    assert type(before) is type(after), path
    if isinstance(before, dict):
        assert list(before) == list(after), path  # in order
        for key, value in before.items():
            compare(value, after[key], seen, (*path, key))
    elif isinstance(before, list):
        assert len(before) == len(after), path
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            compare(one, other, seen, (*path, number))
    else:
        assert before == after, path


@settings(max_examples=400, deadline=None)
@given(bodies)
def test_only_clauses_are_replaced(body: dict[str, Any]) -> None:
    seen: list[Clause] = []

    def replace(clause: Clause) -> dict[str, Any]:
        if clause not in seen:
            seen.append(clause)
        return {MARK: seen.index(clause)}

    original = copy.deepcopy(body)
    changed = replace_in_body(body, replace)
    assert body == original
    compare(original, changed, seen)
    held = {key: changed[key] for key in ("query", "post_filter") if key in changed}
    known = {key: value for key, value in held.items() if not has_foreign(original[key])}
    assert not has_clause(known)  # none is left where queries stand


def has_foreign(value: Any) -> bool:
    """Return whether a clause stands where none can be seen: in a key that is not known."""
    if isinstance(value, list):
        return any(map(has_foreign, value))
    if not isinstance(value, dict) or NAME in value:
        return False
    for kind, inside in value.items():
        for key, held in inside.items() if isinstance(inside, dict) else ():
            if key not in SUBQUERIES.get(kind, ()) and has_clause(held):
                return True
            if key in SUBQUERIES.get(kind, ()) and has_foreign(held):
                return True
    return False


@settings(max_examples=400, deadline=None)
@given(bodies, st.none() | values)
def test_beside_clauses_only_source_is_told_to_leave_impacts_out(
    body: dict[str, Any], source: Any
) -> None:
    if source is not None:
        body = {**body, "_source": source}
    original = copy.deepcopy(body)
    params, changed = without_impacts(None, body)
    assert body == original
    assert not params or not body
    added = changed.pop("_source", None)
    expected = {key: value for key, value in original.items() if key != "_source"}
    assert changed == expected
    if added != original.get("_source"):
        assert added["excludes"][-1] == IMPACTS
