from dataclasses import replace

from splare_os.dashboards.objects import index_pattern, saved_search, vega, visualization
from splare_os.dashboards.requests import (
    Context,
    is_empty,
    plain_request,
    spec_of,
    spec_requests,
)

OIL = {"match": {"text": "oil"}}
CONTEXT = Context(OIL, "2025-01-01", "2025-02-01")
RANGE = {"range": {"at": {"gte": "2025-01-01", "lte": "2025-02-01"}}}


def test_query_and_time_range_go_where_a_spec_asks_for_them() -> None:
    both = {"index": "a", "body": {"size": 0}, "%context%": True, "%timefield%": "at"}
    alone = {"index": "b", "body": {"query": {"match_all": {}}}}
    look_up = {"lookup": "x", "from": {"data": {"name": "labels", "url": alone}}}
    spec = {"data": {"name": "rows", "url": both}, "transform": [look_up]}
    found = spec_requests(spec, CONTEXT)
    assert [(one.index, one.body["query"]) for one in found] == [
        ("a", {"bool": {"must": [OIL, RANGE]}}),
        ("b", {"match_all": {}}),
    ]
    assert found[0].data is spec["data"]
    assert both["body"] == {"size": 0}


def test_without_a_choice_everything_is_asked_for() -> None:
    url = {"index": "a", "body": {}, "%context%": True}
    (one,) = spec_requests({"data": {"url": url}}, Context())
    assert one.body["query"] == {"bool": {"must": [{"match_all": {}}]}}


def test_a_saved_search_asks_for_the_newest() -> None:
    search = saved_search("s", "S", "p", ["a"], newest_by="at")
    request = plain_request(search, index_pattern("papers", "at", id="p"), CONTEXT)
    assert request
    assert request.index == "papers"
    assert request.body["sort"] == [{"at": {"order": "desc"}}]
    assert request.body["query"] == {"bool": {"must": [OIL, RANGE]}}


def test_what_dashboards_makes_of_lists_and_tables_is_asked_for_too() -> None:
    pattern = index_pattern("papers", id="p")
    search = saved_search("s", "S", "p", ["a"])
    for sort, asked in (
        ([], []),
        (["at", "asc"], [{"at": {"order": "asc"}}]),
        ([["at", "asc"], ["b", "desc"]], [{"at": {"order": "asc"}}, {"b": {"order": "desc"}}]),
    ):
        changed = replace(search, attributes=search.attributes | {"sort": sort})
        request = plain_request(changed, pattern, Context())
        assert request
        assert request.body["sort"] == asked
    agg = {
        "id": "2",
        "type": "terms",
        "schema": "bucket",
        "params": {"field": "a", "order": "desc"},
    }
    table = visualization("t", "T", "table", {}, aggs=[agg])
    request = plain_request(table, pattern, Context())
    assert request
    assert request.body["aggs"] == {"2": {"terms": {"field": "a"}}}
    by_time = visualization("t", "T", "table", {}, aggs=[agg | {"type": "date_histogram"}])
    assert plain_request(by_time, pattern, Context()) is None


def test_a_chart_is_no_plain_request_and_a_search_has_no_spec() -> None:
    chart = vega("v", "V", {"a": 1})
    assert plain_request(chart, index_pattern("papers", id="p"), CONTEXT) is None
    assert spec_of(chart) == {"a": 1}
    assert spec_of(index_pattern("papers", id="p")) is None


def test_a_reply_is_empty_without_hits_and_documents_in_buckets() -> None:
    def reply(**aggregations: object) -> dict[str, object]:
        return {"hits": {"hits": []}, "aggregations": aggregations}

    assert is_empty({"hits": {"hits": []}})
    assert is_empty(reply(a={"buckets": [{"doc_count": 0}]}))
    assert is_empty(reply(a={"doc_count": 3, "b": {"buckets": []}}))
    assert not is_empty(reply(a={"doc_count": 3, "b": {"buckets": [{"doc_count": 1}]}}))
    assert not is_empty(reply(a={"buckets": {"x": {"doc_count": 0}, "y": {"doc_count": 2}}}))
    assert not is_empty({"hits": {"hits": [{}]}})
