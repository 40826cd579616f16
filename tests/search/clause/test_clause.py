from typing import Any

import pytest

from splare_os.search.clause.clause import Clause, Parsed, replace_in_body

SPLARE = {"splare": {"text": "oil"}}
GUARDED = {"splare": {"text": {"query": "oil", "min_score": 2.0}}}
MATCH = {"match": {"text": "oil"}}


def named(clause: Clause) -> dict[str, Any]:
    return {"translated": clause.query}


DONE = {"translated": "oil"}

RANKING = [
    lambda q: {"query": q},
    lambda q: {"query": {"bool": {"must": q}}},
    lambda q: {"query": {"bool": {"should": [MATCH, q], "filter": [MATCH]}}},
    lambda q: {"query": {"bool": {"must": [{"bool": {"should": [q]}}]}}},
    lambda q: {"query": {"dis_max": {"queries": [MATCH, q], "tie_breaker": 0.5}}},
    lambda q: {"query": {"function_score": {"query": q, "functions": [{"weight": 2}]}}},
    lambda q: {"query": {"script_score": {"query": q, "script": {"source": "_score"}}}},
    lambda q: {"query": {"boosting": {"positive": q, "negative": MATCH}}},
    lambda q: {"query": {"hybrid": {"queries": [MATCH, q]}}},
    lambda q: {"query": {"has_child": {"type": "page", "query": q, "score_mode": "max"}}},
    lambda q: {"query": {"has_parent": {"parent_type": "book", "query": q, "score": True}}},
    lambda q: {"rescore": {"window_size": 9, "query": {"rescore_query": q}}},
    lambda q: {"rescore": [{"query": {"rescore_query": MATCH}}, {"query": {"rescore_query": q}}]},
]

SELECTING = [
    lambda q: {"query": {"bool": {"filter": q}}},
    lambda q: {"query": {"bool": {"must_not": [q]}}},
    lambda q: {"query": {"bool": {"filter": [{"bool": {"must": [q]}}]}}},
    lambda q: {"query": {"constant_score": {"filter": q}}},
    lambda q: {"query": {"boosting": {"positive": MATCH, "negative": q}}},
    lambda q: {"query": {"function_score": {"functions": [{"filter": q, "weight": 2}]}}},
    lambda q: {"query": {"hybrid": {"queries": [MATCH], "filter": q}}},
    lambda q: {"query": {"has_child": {"type": "page", "query": q}}},
    lambda q: {"query": {"has_child": {"type": "page", "query": q, "score_mode": "none"}}},
    lambda q: {"query": {"has_parent": {"parent_type": "book", "query": {"bool": {"must": q}}}}},
    lambda q: {"post_filter": q},
    lambda q: {"aggs": {"a": {"filter": q}}},
    lambda q: {"aggs": {"a": {"filters": {"filters": {"x": q, "y": MATCH}}}}},
    lambda q: {"aggs": {"a": {"filters": {"filters": [MATCH, q]}}}},
    lambda q: {"aggs": {"a": {"terms": {"field": "x"}, "aggs": {"b": {"filter": q}}}}},
]


@pytest.mark.parametrize("body", RANKING)
def test_a_clause_is_replaced_wherever_a_scoring_query_stands(body: Any) -> None:
    original = body(SPLARE)
    assert replace_in_body(original, named) == body(DONE)
    assert original == body(SPLARE)


@pytest.mark.parametrize("body", [*RANKING, *SELECTING])
def test_clauses_that_are_read_are_filled_in_where_they_stood(body: Any) -> None:
    original = body(GUARDED)
    parsed = Parsed.of(original)
    assert [clause for clause, _ in parsed.places] == [Clause("text", "oil", min_score=2.0)]
    assert parsed.body == body({})
    assert parsed.filled(named) == body(DONE)
    assert original == body(GUARDED)


@pytest.mark.parametrize("body", SELECTING)
def test_a_clause_that_only_selects_is_refused(body: Any) -> None:
    with pytest.raises(
        ValueError, match="stands where scores do not count, .* give it a min_score"
    ):
        replace_in_body(body(SPLARE), named)


@pytest.mark.parametrize("body", SELECTING)
def test_a_clause_that_only_selects_may_with_a_min_score(body: Any) -> None:
    assert replace_in_body(body(GUARDED), named) == body(DONE)


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"match": {"splare": {"query": "oil"}}}},
        {"query": {"term": {"splare": "oil"}}},
        {"query": {"match_all": {}}, "size": 3},
        {"query": {"bool": {"must": [{"terms": {"splare": ["a", "b"]}}]}}},
        {"suggest": {"splare": {"text": "oil"}}},
        {},
    ],
)
def test_a_field_called_splare_is_no_clause(body: dict[str, Any]) -> None:
    assert replace_in_body(body, named) == body


def test_options_are_read() -> None:
    found: list[Clause] = []

    def note(clause: Clause) -> dict[str, Any]:
        found.append(clause)
        return {}

    arguments = {"query": "oil", "boost": 2, "min_score": 1.5, "scoring": "dot"}
    replace_in_body({"query": {"splare": {"body": arguments}}}, note)
    assert found == [Clause("body", "oil", boost=2, min_score=1.5, scoring="dot")]


@pytest.mark.parametrize(
    ("clause", "message"),
    [
        ({"splare": "oil"}, "write one field"),
        ({"splare": {"a": "oil", "b": "oil"}}, "write one field"),
        ({"splare": {"text": {"query": 3}}}, "its query must be a string"),
        ({"splare": {"text": {"boost": 3}}}, "its query must be a string"),
        ({"splare": {"text": "half \ud800"}}, "its query is no Unicode: .*surrogates"),
        ({"splare": {"text": {"query": "x", "fuzziness": 1}}}, r"has \['fuzziness'\]; known are"),
        ({"splare": {"text": "x"}, "match": {"text": "x"}}, "write one field"),
        ({"splare": {"text": {"query": "x", "boost": "2"}}}, "boost='2' must be a number"),
        ({"splare": {"text": {"query": "x", "min_score": None}}}, "min_score=None must be a"),
        (
            {"splare": {"text": {"query": "x", "min_score": float("nan")}}},
            "=nan must be finite",
        ),
        ({"splare": {"text": {"query": "x", "boost": 10**400}}}, "must be finite"),
        ({"splare": {"text": {"query": "x", "scoring": "bm25"}}}, "scoring='bm25': choose one"),
        (
            {"splare": {"text": {"query": "x", "scoring": ["dot"]}}},
            r"scoring=\['dot'\]: choose",
        ),
        ({"splare": {"text": {"query": "x", "_name": ["a"]}}}, r"_name=\['a'\] must be a string"),
        (
            {"bool": {"filter": {"splare": {"text": {"query": "x", "min_score": 0}}}}},
            "give it a min_score above 0",
        ),
    ],
)
def test_a_malformed_clause_is_refused(clause: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace_in_body({"query": clause}, named)


@pytest.mark.parametrize("field", ["text", "part.text"])
def test_a_clause_among_nested_documents_which_have_no_impacts_is_refused(field: str) -> None:
    inside = {"splare": {field: {"query": "oil", "min_score": 1}}}
    queries = [{"path": "part", "query": {"bool": {"should": [inside]}}}]
    queries.append({"path": "part", "query": inside, "score_mode": "none"})
    below = {"aggs": {"all": {"terms": {"field": "x"}, "aggs": {"ours": {"filter": inside}}}}}
    aggregation = {"nested": {"path": "part"}} | below
    back = {"reverse_nested": {"path": "part.of"}} | below
    bodies = [{"query": {"nested": query}} for query in queries]
    bodies += [{"aggs": {"a": one}} for one in (aggregation, aggregation | {"aggs": {"b": back}})]
    for body in bodies:
        with pytest.raises(ValueError, match="a nested query or aggregation, where it would find"):
            replace_in_body(body, named)
    root = aggregation | {"aggs": {"b": {"reverse_nested": {}} | below}}
    changed = replace_in_body({"aggs": {"a": root}}, named)
    assert changed["aggs"]["a"]["aggs"]["b"]["aggs"]["all"]["aggs"] == {"ours": {"filter": DONE}}
