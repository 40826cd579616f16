from typing import Any

import pytest

from splare_os.search.log.route import route_of, text_of

LATENTS = {"rank_feature": {"field": "text_splare.impacts.7", "linear": {}, "boost": 2.0}}
TOKENS = {"neural_sparse": {"text_splare.impacts": {"query_tokens": {"7": 2.0}}}}
WORDS = {"multi_match": {"query": "oil", "fields": ["title", "text"]}}


@pytest.mark.parametrize(
    ("body", "route"),
    [
        ({"query": WORDS}, "bm25"),
        ({"query": LATENTS}, "splare"),
        ({"query": TOKENS}, "splare"),
        ({"query": {"bool": {"should": [LATENTS, LATENTS], "filter": [WORDS]}}}, "splare"),
        ({"query": {"bool": {"must": {"term": {"state": "new"}}, "should": [LATENTS]}}}, "splare"),
        ({"query": {"function_score": {"query": {"bool": {"must": [WORDS]}}}}}, "bm25"),
        ({"query": {"hybrid": {"queries": [WORDS, LATENTS]}}}, "hybrid"),
        ({"query": {"dis_max": {"queries": [WORDS, LATENTS]}}}, "hybrid"),
        ({"query": LATENTS, "rescore": {"query": {"rescore_query": LATENTS}}}, "two-step"),
        ({"query": WORDS, "rescore": [{"query": {"rescore_query": TOKENS}}]}, "rescored"),
        ({"query": WORDS, "rescore": {"query": {"rescore_query": WORDS}}}, "bm25"),
        ({"query": {"rank_feature": {"field": "pagerank"}}}, "other"),
        ({"query": {"match_all": {}}}, "other"),
        ({}, "other"),
        (None, "other"),
        ("{", "other"),
    ],
)
def test_a_route_is_told_from_the_queries_that_give_scores(body: Any, route: str) -> None:
    assert route_of(body) == route


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"query": {"splare": {"text": "oil embargo"}}}, "oil embargo"),
        ({"query": {"splare": {"text": {"query": "oil", "boost": 2}}}}, "oil"),
        ({"query": WORDS}, "oil"),
        ({"query": {"match_phrase": {"text": {"slop": 2, "query": "oil"}}}}, "oil"),
        ({"query": {"bool": {"filter": [WORDS], "must": [{"match": {"a": "war"}}]}}}, "war"),
        ({"query": {"match_all": {}}}, None),
        ({}, None),
        (b"x", None),
    ],
)
def test_the_text_is_what_the_application_asked_for(body: Any, text: str | None) -> None:
    assert text_of(body) == text
