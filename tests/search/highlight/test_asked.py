from typing import Any

import pytest

from splare_os.errors import MappingError
from splare_os.impacts import empty
from splare_os.layout.records import FieldRecord
from splare_os.layout.view import PLAIN
from splare_os.search.clause.clause import Clause
from splare_os.search.clause.stepped import Stepped
from splare_os.search.clause.target import Search, Target
from splare_os.search.explain.evidence import Sought
from splare_os.search.highlight.asked import Asked, part_asked
from splare_os.search.highlight.fragments import Form
from splare_os.search.query.steps import Steps

QUERY = {"splare": {"text": "oil"}}
OURS = {"type": "splare"}
AWAY = {"splare": {"text": {"query": "war", "min_score": 1.0}}}


PAPERS = Target("papers", "_search", has_more=False)


def parted(body: dict[str, Any], **params: Any) -> tuple[Asked | None, dict[str, Any]]:
    asked, search = part_asked(Search(PAPERS, body, PLAIN), params)
    return asked, search.body


def highlight(fields: Any, **top: Any) -> dict[str, Any]:
    return {"query": QUERY, "highlight": {"fields": fields, **top}}


@pytest.mark.parametrize(
    "body",
    [
        {"query": QUERY},
        highlight({"text": {}, "title": {"type": "plain"}}),
        highlight([{"text": {}}]),
        {"query": QUERY, "highlight": None, "ext": {}},
        {"query": QUERY, "ext": {"other": {"a": 1}}, "highlight": {}},
        {"query": {"match": {"highlight": "splare"}}},
    ],
)
def test_a_body_that_asks_nothing_passes_as_it_is(body: dict[str, Any]) -> None:
    assert parted(body) == (None, body)


def test_fields_of_other_types_stay_with_the_server() -> None:
    fields = {"text": OURS, "title": {"fragment_size": 9}, "text_splare": {}}
    asked, body = parted(highlight(fields, pre_tags=["<b>"]))
    assert asked is not None
    assert asked.forms == {"text": Form("<b>"), "text_splare": Form("<b>")}
    assert asked.clauses == (Clause("text", "oil"),)
    assert body == {
        "query": QUERY,
        "highlight": {"fields": {"title": {"fragment_size": 9}}, "pre_tags": ["<b>"]},
        "seq_no_primary_term": True,
    }


def test_fields_may_be_a_list_and_the_type_may_stand_at_the_top() -> None:
    fields = [{"text": {}}, {"title": {"type": "unified"}}]
    asked, body = parted(highlight(fields, type="splare"))
    assert asked is not None
    assert list(asked.forms) == ["text"]
    assert body["highlight"] == {"fields": [{"title": {"type": "unified"}}]}


def test_nothing_is_left_of_a_highlight_that_is_all_ours() -> None:
    assert "highlight" not in parted(highlight({"text": OURS}))[1]


def test_an_explanation_leaves_the_servers_highlight_and_other_extensions() -> None:
    body = highlight({"text": {}}) | {"ext": {"splare": {"explain": True}, "other": {"a": 1}}}
    asked, served = parted(body)
    assert asked is not None
    assert (asked.forms, asked.explains) == ({}, True)
    rest = {"ext": {"other": {"a": 1}}, "seq_no_primary_term": True}
    assert served == highlight({"text": {}}) | rest


def test_an_explanation_that_is_not_wanted_does_not_reach_the_server() -> None:
    assert parted({"query": QUERY, "ext": {"splare": {"explain": False}}}) == (
        None,
        {"query": QUERY},
    )


def test_two_steps_are_for_the_translation_and_not_for_the_server() -> None:
    body = {"query": QUERY, "ext": {"splare": {"two_step": {"window": 50}}}}
    asked, search = part_asked(Search(PAPERS, body, PLAIN), {})
    assert (asked, search.body) == (None, {"query": QUERY})
    assert search.stepped == Stepped(Clause("text", "oil"), Steps(window=50))
    with pytest.raises(ValueError, match="two_step with sort: hits are sorted"):
        parted(body | {"sort": ["year"]})


def test_clauses_that_keep_documents_away_mark_nothing() -> None:
    body = highlight({"text": OURS}) | {
        "query": {
            "bool": {
                "must": [
                    {"boosting": {"positive": QUERY, "negative": AWAY, "negative_boost": 0.5}}
                ],
                "must_not": [AWAY],
                "filter": [{"splare": {"text": {"query": "crisis", "min_score": 2.0}}}],
            }
        },
        "rescore": {"query": {"rescore_query": {"splare": {"text": "embargo"}}}},
        "post_filter": AWAY,
    }
    asked, _ = parted(body)
    assert asked is not None
    assert [clause.query for clause in asked.clauses] == ["oil", "crisis", "embargo"]


@pytest.mark.parametrize("field", ["negative", "must_not"])
def test_a_field_may_be_called_as_a_part_of_a_query_is(field: str) -> None:
    asked, _ = parted({"query": {"splare": {field: "oil"}}, "ext": {"splare": {"explain": True}}})
    assert asked is not None
    assert asked.clauses == (Clause(field, "oil"),)


@pytest.mark.parametrize("query", [{"match": {"text": "oil"}}, {"bool": {"must_not": [AWAY]}}])
def test_without_a_clause_to_find_by_there_is_nothing_to_mark(query: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="highlight: the query has no splare clause"):
        parted({"query": query, "highlight": {"fields": {"text": OURS}}})


@pytest.mark.parametrize(
    "inside",
    [
        {"collapse": {"field": "a", "inner_hits": {"highlight": {"fields": {"text": OURS}}}}},
        {"aggs": {"a": {"top_hits": {"highlight": {"fields": {"text_splare": {}}}}}}},
    ],
)
def test_a_highlight_of_inner_hits_is_refused(inside: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="inside inner_hits or top_hits"):
        parted({"query": QUERY, **inside})


@pytest.mark.parametrize(
    ("name", "value"), [("scroll", "1m"), ("filter_path", "hits.hits._id"), ("q", "lang:en")]
)
def test_replies_in_parts_are_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"highlight with {name}: "):
        parted(highlight({"text": OURS}), **{name: value})
    assert parted({"query": QUERY}, **{name: value})[0] is None


def test_the_version_of_hits_is_asked_for() -> None:
    asked, served = parted(highlight({"text": OURS}))
    assert asked is not None
    assert asked.adds_version
    assert served["seq_no_primary_term"] is True


def test_a_version_that_the_application_asked_for_stays() -> None:
    asked, _ = parted(highlight({"text": OURS}) | {"seq_no_primary_term": True})
    assert asked is not None
    assert not asked.adds_version


@pytest.mark.parametrize("value", [True, "true", b"true"])
def test_a_version_that_the_address_asks_for_stays_too(value: Any) -> None:
    asked, _ = parted(highlight({"text": OURS}), seq_no_primary_term=value)
    assert asked is not None
    assert not asked.adds_version


@pytest.mark.parametrize("name", ["text", "title", "t*", "text_splare", "text_splare.impacts"])
def test_fields_that_impacts_were_made_of_are_known(name: str) -> None:
    Asked({name: Form()}, explains=False).check([sought()])


def test_a_field_that_no_impacts_were_made_of_is_refused_with_those_that_are() -> None:
    with pytest.raises(MappingError, match="'body': .* look into text, text_splare, title;"):
        Asked({"body": Form()}, explains=False).check([sought()])


def sought() -> Sought:
    record = FieldRecord("m", "f", 8, 4, ("title", "text"))
    return Sought(Clause("text", "oil"), "text_splare", {"papers": record}, empty(1, 8), None)
