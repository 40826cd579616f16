import pytest

from splare_os.search.rules.safety import why_not

QUERY = {"query": {"match": {"text": "oil"}}}


@pytest.mark.parametrize(
    ("more", "params", "rescore", "hybrid"),
    [
        ({}, {}, None, None),
        ({"aggs": {}, "size": 5, "highlight": {}, "post_filter": {}}, {}, None, None),
        ({"sort": ["_score"]}, {}, None, None),
        ({"sort": {"_score": {"order": "desc"}}}, {}, None, None),
        ({"sort": None, "rescore": None}, {}, None, None),
        ({}, {"sort": b"_score:desc", "request_timeout": 3, "preference": b"x"}, None, None),
        ({"sort": ["year"]}, {}, "sort", "sort"),
        ({"sort": ["_score", "year"]}, {}, "sort", "sort"),
        ({"sort": [{"_score": "asc"}]}, {}, "sort", "sort"),
        ({}, {"sort": b"year:desc"}, "sort", "sort"),
        ({"search_after": [1]}, {}, "search_after", "search_after"),
        ({"pit": {"id": "x"}}, {}, "pit", "pit"),
        ({"collapse": {"field": "year"}}, {}, "collapse", "collapse"),
        ({"rescore": {}}, {}, "rescore", "rescore"),
        ({"slice": {}, "knn": {}}, {}, "knn, slice", "knn, slice"),
        ({}, {"q": b"oil"}, "q", "q"),
        ({}, {"search_pipeline": b"p"}, "search_pipeline", "search_pipeline"),
        ({"min_score": 1}, {}, None, "min_score"),
        ({"terminate_after": 1}, {}, None, "terminate_after"),
        ({"explain": True}, {}, None, "explain"),
        ({"profile": True}, {}, None, "profile"),
        ({}, {"filter_path": b"hits.hits"}, None, "filter_path"),
        ({"stored_fields": "_none_"}, {}, None, "stored_fields without ids"),
        ({}, {"stored_fields": b"_none_"}, None, "stored_fields without ids"),
        ({"stored_fields": ["text"]}, {}, None, None),
        ({"size": 0}, {}, *["no hits are asked for"] * 2),
        ({"size": "many"}, {}, *["from and size that are no numbers"] * 2),
    ],
)
def test_what_is_not_known_to_be_safe_is_not_rewritten(more, params, rescore, hybrid):
    assert why_not({**QUERY, **more}, params, "rescore") == rescore
    assert why_not({**QUERY, **more}, params, "hybrid") == hybrid
