from typing import Any

import pytest

from splare_os.search.clause.clause import Clause
from splare_os.search.clause.stepped import the_clause, told
from splare_os.search.query.steps import Plan

ONE = {"splare": {"text": "oil"}}
GUARDED = {"splare": {"text": {"query": "oil", "min_score": 1}}}
GUARDED = {"splare": {"text": {"query": "oil", "min_score": 1}}}


@pytest.mark.parametrize(
    "query",
    [
        ONE,
        {"bool": {"must": ONE}},
        {"bool": {"must": [ONE], "filter": {"term": {"a": 1}}, "must_not": [], "_name": "x"}},
    ],
)
def test_the_clause_that_gives_all_of_the_score_is_found(query: Any) -> None:
    assert the_clause({"query": query, "from": 20}, {}) == Clause("text", "oil")


@pytest.mark.parametrize(
    "query",
    [
        None,
        {"match": {"text": "oil"}},
        {"bool": {"must": [ONE, ONE]}},
        {"bool": {"must": [ONE], "should": [{"match": {"text": "oil"}}]}},
        {"bool": {"should": [ONE]}},
        {"bool": {"must": ONE, "boost": 2}},
        {"function_score": {"query": ONE}},
        {"bool": {"filter": ONE}},
    ],
)
def test_a_query_that_scores_otherwise_is_refused(query: Any) -> None:
    with pytest.raises(ValueError, match="the query has to be a splare clause, or a bool whose"):
        the_clause({"query": query}, {})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"sort": ["_score"]}, "two_step with sort"),
        ({"rescore": {"window_size": 1}}, "two_step with rescore: there is another"),
        ({"collapse": {"field": "a"}}, "two_step with collapse"),
        ({"search_after": [1]}, "two_step with search_after"),
        ({"min_score": 2}, "two_step with min_score"),
        ({"indices_boost": [{"a": 2}]}, "two_step with indices_boost: what is scored anew"),
        ({"aggs": {"a": {}}}, "two_step with aggs: they would count what the first pass finds"),
        ({"aggregations": {"a": {}}}, "two_step with aggregations"),
        (
            {"query": GUARDED},
            "two_step with min_score",
        ),
    ],
)
def test_what_the_first_pass_would_show_through_is_refused(body: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        the_clause({"query": ONE} | body, {})


@pytest.mark.parametrize("name", ["scroll", "sort", "q"])
def test_so_are_parameters_that_do_the_same(name: str) -> None:
    with pytest.raises(
        ValueError, match=f"two_step with {name}: (no hits are scored anew|a server searches that)"
    ):
        the_clause({"query": ONE}, {name: "1m"})


def test_a_profile_tells_the_plan_and_only_where_there_is_one() -> None:
    plan = Plan({"1": 1.0}, {"2": 0.5}, 500)
    finish = told(lambda reply: reply, [None, plan.to_json(), plan.to_json()])
    replies = [{"profile": {"shards": []}}, {"profile": {"shards": []}}, {"hits": {}}]
    finished = finish({"responses": replies})["responses"]
    assert finished[0] == {"profile": {"shards": []}}
    assert finished[1] == {"profile": {"shards": [], "splare": plan.to_json()}}
    assert finished[2] == {"hits": {}}


def test_no_plan_is_told_where_it_is_not_known_whose_it_is() -> None:
    plan = Plan({"1": 1.0}, {"2": 0.5}, 500)
    cut = {"responses": [{"profile": {"shards": []}}]}
    assert told(lambda reply: reply, [None, plan.to_json()])(cut) == {
        "responses": [{"profile": {"shards": []}}]
    }
