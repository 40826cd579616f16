import pytest

from splare_os.search.rules.rule import Rule
from splare_os.search.rules.scored import asked_text, in_place, splare_part

RULE = Rule("r", ("a",), ("title", "text"), "text")
HYBRID = Rule("r", ("a",), ("title", "text"), "text", "hybrid")
MATCH = {"match": {"text": "oil"}}
TERM = {"term": {"year": 1973}}
FUNCTIONS = [{"field_value_factor": {"field": "sold"}}]


def splare(text="oil", boost=1.0):
    return {"splare": {"text": {"query": text, "boost": boost}}}


@pytest.mark.parametrize(
    ("query", "part"),
    [
        (MATCH, splare()),
        ({"bool": {"must": MATCH, "filter": [TERM]}}, splare()),
        ({"bool": {"should": [MATCH, {"match": {"title": "oil"}}, TERM]}}, splare()),
        (
            {"bool": {"should": [{"match": {"title": {"query": "oil", "boost": 3}}}, MATCH]}},
            splare(boost=3.0),
        ),
        ({"bool": {"must": [{"bool": {"should": [MATCH], "boost": 2}}]}}, splare(boost=2.0)),
        (
            {"dis_max": {"queries": [MATCH, {"match": {"title": "oil"}}], "boost": 4}},
            splare("oil", 4),
        ),
        (
            {"bool": {"must": [MATCH, {"match": {"title": "war"}}]}},
            {"bool": {"should": [splare(), splare("war")]}},
        ),
        (
            {"function_score": {"query": MATCH, "functions": FUNCTIONS, "min_score": 2}},
            {"function_score": {"query": splare(), "functions": FUNCTIONS}},
        ),
        (
            {"boosting": {"positive": MATCH, "negative": TERM, "negative_boost": 0.2}},
            {"boosting": {"positive": splare(), "negative": TERM, "negative_boost": 0.2}},
        ),
        ({"function_score": {"query": MATCH, "boost_mode": "replace"}}, None),
        ({"function_score": {"query": MATCH, "boost_mode": "sum"}}, None),
        ({"bool": {"filter": [MATCH], "must_not": MATCH}}, None),
        ({"constant_score": {"filter": MATCH}}, None),
        ({"script_score": {"query": MATCH, "script": "1"}}, None),
        ({"nested": {"path": "n", "query": MATCH}}, None),
        ({"pinned": {"ids": ["1"], "organic": MATCH}}, None),
        ({"hybrid": {"queries": [MATCH]}}, None),
        ({"match": {"author": "oil"}}, None),
        ({"match": {"title.prefix": "oil"}}, None),
        ({"match_all": {}}, None),
        (None, None),
        ([], None),
        ("oil", None),
    ],
)
def test_splare_has_a_part_where_the_score_of_words_counts(query, part):
    assert splare_part(query, RULE) == part


def test_functions_multiply_several_texts_together():
    query = {"bool": {"must": [MATCH, {"match": {"title": "war"}}]}}
    found = splare_part({"function_score": {"query": query, "functions": FUNCTIONS}}, RULE)
    inner = {"bool": {"should": [splare(), splare("war")]}}
    assert found == {"function_score": {"query": inner, "functions": FUNCTIONS}}


def test_in_its_place_all_else_stays():
    other = {"match": {"author": "ada"}}
    query = {
        "bool": {
            "must": [MATCH, other],
            "should": {"multi_match": {"query": "oil", "fields": ["*"], "boost": 2}},
            "filter": [MATCH, TERM],
            "must_not": MATCH,
            "minimum_should_match": 1,
        }
    }
    assert in_place(query, HYBRID) == {
        "bool": {
            "must": [splare(), other],
            "should": splare(boost=2.0),
            "filter": [MATCH, TERM],
            "must_not": MATCH,
            "minimum_should_match": 1,
        }
    }
    assert query["bool"]["must"] == [MATCH, other]


def test_a_least_score_is_not_for_documents_that_are_added():
    query = {"function_score": {"query": MATCH, "min_score": 2}}
    assert splare_part(query, HYBRID) is None
    assert in_place(query, HYBRID) == query


def test_the_text_is_told_once():
    query = {"bool": {"must": [MATCH, {"function_score": {"query": MATCH}}], "should": [MATCH]}}
    assert asked_text(query, RULE) == "oil"
    assert asked_text({"dis_max": {"queries": [MATCH, {"match": {"title": "war"}}]}}, RULE) == (
        "oil war"
    )
