"""Rules at work, against a real server."""

import json
from typing import Any

import pytest
from opensearchpy import NotFoundError, OpenSearch

from splare_os.errors import MappingError
from splare_os.search.rewrite.rewrite import is_rewritten
from splare_os.search.rules import LogOptions

from .conftest import INDEX, Clients, ids, without_ranking

pytestmark = pytest.mark.opensearch

MATCH = {"match": {"text": "oil crisis"}}
YEARS = {"years": {"terms": {"field": "year"}, "aggs": {"top": {"top_hits": {"size": 1}}}}}
QUERIES: list[dict[str, Any]] = [
    MATCH,
    {"bool": {"must": [MATCH], "filter": [{"term": {"year": 1972}}]}},
    {
        "bool": {
            "should": [MATCH, {"match": {"title": "oil"}}],
            "must_not": {"term": {"year": 1970}},
        }
    },
    {"dis_max": {"queries": [MATCH, {"match": {"title": "war"}}]}},
    {"function_score": {"query": MATCH, "field_value_factor": {"field": "year"}}},
    {"boosting": {"positive": MATCH, "negative": {"term": {"year": 1971}}, "negative_boost": 0.2}},
    {"multi_match": {"query": "oil crisis", "fields": ["title^2", "text"]}},
    {"query_string": {"query": 'oil AND "crisis" -war', "default_field": "text"}},
    {"simple_query_string": {"query": "oil +crisis", "fields": ["text"]}},
]
OPTIONS: list[dict[str, Any]] = [
    {"aggs": YEARS},
    {"track_total_hits": 5},
    {"min_score": 0.5},
    {"terminate_after": 3},
    {"post_filter": {"term": {"year": 1972}}},
    {"sort": ["_score"]},
    {"suggest": {"s": {"text": "oli", "term": {"field": "text"}}}},
]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: next(iter(query)))
def test_rescore_reorders_the_applications_own_hits(
    ruled: Clients, client: OpenSearch, query: dict[str, Any]
) -> None:
    body = {"query": query, "size": 100, "aggs": YEARS}
    theirs = client.search(index=INDEX, body=body)
    ours = ruled(window=100, weight=5).search(index=INDEX, body=body)
    assert sorted(ids(ours)) == sorted(ids(theirs))
    assert ids(ours) != ids(theirs)
    assert ours["hits"]["total"] == theirs["hits"]["total"]
    for mine, other in zip(
        *(r["aggregations"]["years"]["buckets"] for r in (ours, theirs)), strict=True
    ):
        assert (mine["key"], mine["doc_count"]) == (other["key"], other["doc_count"])


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: next(iter(option)))
def test_totals_facets_and_all_else_of_a_reply_stay(
    ruled: Clients, client: OpenSearch, option: dict[str, Any]
) -> None:
    body = {"query": MATCH, "size": 7, **option}
    ours = ruled(weight=5).search(index=INDEX, body=body)
    theirs = client.search(index=INDEX, body={**body, "_source": {"excludes": ["*_splare"]}})
    for reply in (ours, theirs):  # which hit of a group is its top is a matter of ranking
        for bucket in reply.get("aggregations", {}).get("years", {}).get("buckets", ()):
            top = bucket.pop("top")["hits"]
            assert not any("text_splare" in hit["_source"] for hit in top["hits"] if reply is ours)
    assert without_ranking(ours) == without_ranking(theirs)
    assert len(ids(ours)) == len(ids(theirs)) > 0


def test_a_rescored_score_is_that_of_words_and_of_latents(
    ruled: Clients, client: OpenSearch
) -> None:
    body = {"query": MATCH, "size": 80}
    words = {h["_id"]: h["_score"] for h in client.search(index=INDEX, body=body)["hits"]["hits"]}
    splare = ruled()
    clause = {"query": {"splare": {"text": "oil crisis"}}, "size": 80}
    latents = {
        h["_id"]: h["_score"] for h in splare.search(index=INDEX, body=clause)["hits"]["hits"]
    }
    ours = ruled(window=80, weight=2.5).search(index=INDEX, body=body)["hits"]["hits"]
    expected = {name: score + 2.5 * latents[name] for name, score in words.items()}
    assert {hit["_id"]: hit["_score"] for hit in ours} == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("mode", ["rescore", "hybrid"])
@pytest.mark.parametrize("window", [3, 11, 200])
def test_pages_are_parts_of_one_list_however_deep(ruled: Clients, mode: str, window: int) -> None:
    splare = ruled(mode=mode, window=window, weight=3)
    body = {"query": MATCH, "_source": ["text", "year"]}
    whole = splare.search(index=INDEX, body={**body, "size": 100})["hits"]["hits"]
    paged: list[dict[str, Any]] = []
    for first in range(0, 100, 7):
        paged += splare.search(index=INDEX, body=body, params={"from": first, "size": 7})["hits"][
            "hits"
        ]
    assert paged == whole
    assert len({hit["_id"] for hit in whole}) == len(whole) > 40
    scores = [hit["_score"] for hit in whole]
    assert scores == sorted(scores, reverse=True)


def test_hybrid_adds_documents_and_keeps_totals_and_facets(
    ruled: Clients, client: OpenSearch
) -> None:
    query = {"bool": {"must": [MATCH], "filter": [{"range": {"year": {"gte": 1971}}}]}}
    body = {"query": query, "size": 80, "aggs": {"years": {"terms": {"field": "year"}}}}
    body |= {
        "highlight": {"fields": {"text": {}}},
        "post_filter": {"range": {"year": {"lte": 1972}}},
    }
    theirs = client.search(index=INDEX, body=body)
    ours = ruled(mode="hybrid", window=80).search(index=INDEX, body=body)
    assert without_ranking(ours) == without_ranking(theirs)
    added = [hit for hit in ours["hits"]["hits"] if hit["_id"] not in ids(theirs)]
    assert set(ids(theirs)) < set(ids(ours))
    titles = {"oil", "petrol", "crisis"}  # a title is encoded with its text
    sources = [hit["_source"] for hit in added]
    assert all("petrol" in one["text"] or one["title"] in titles for one in sources)
    assert any("petrol" in one["text"] for one in sources)
    assert {hit["_source"]["year"] for hit in added} == {1971, 1972}
    found = {hit["_id"]: hit["highlight"] for hit in theirs["hits"]["hits"]}
    for hit in ours["hits"]["hits"]:
        assert hit.get("highlight") == found.get(hit["_id"])
        assert hit["_source"].keys() == {"title", "text", "year"}


def test_hybrid_fuses_the_ranks_of_both(ruled: Clients, client: OpenSearch) -> None:
    body = {"query": MATCH, "size": 20}
    theirs = ids(client.search(index=INDEX, body=body))
    splare = ruled(mode="hybrid")
    clause = {"query": {"splare": {"text": "oil crisis"}}, "size": 20}
    found = ids(splare.search(index=INDEX, body=clause))
    expected = {
        name: sum(1 / (60 + each.index(name) + 1) for each in (theirs, found) if name in each)
        for name in {*theirs, *found}
    }
    hits = splare.search(index=INDEX, body={**body, "size": 100})["hits"]["hits"]
    scores = {hit["_id"]: hit["_score"] for hit in hits}
    assert {name: scores[name] for name in expected} == pytest.approx(expected)
    assert hits[0]["_score"] == max(expected.values())


def test_what_no_rule_may_change_is_what_the_server_says(
    ruled: Clients, client: OpenSearch
) -> None:
    plain = {"_source": {"excludes": ["*_splare"]}}
    for mode in ("rescore", "hybrid"):
        splare = ruled(mode=mode, weight=9)
        for more in ({"sort": ["year", "_id"]}, {"collapse": {"field": "year"}}, {"size": 0}):
            body = {"query": MATCH, **more}
            ours = splare.search(index=INDEX, body=body)
            theirs = client.search(index=INDEX, body={**body, **plain})
            assert ours["hits"] == theirs["hits"]


def test_highlights_explanations_and_profiles_are_those_of_the_hits(
    ruled: Clients, client: OpenSearch
) -> None:
    body = {"query": MATCH, "size": 80, "highlight": {"fields": {"text": {}}}}
    theirs = {
        h["_id"]: h["highlight"] for h in client.search(index=INDEX, body=body)["hits"]["hits"]
    }
    splare = ruled()
    ours = splare.search(index=INDEX, body={**body, "explain": True, "profile": True})
    for hit in ours["hits"]["hits"]:
        assert hit["highlight"] == theirs[hit["_id"]]
        assert hit["_explanation"]["value"] == pytest.approx(hit["_score"])
    assert ours["profile"]["shards"]


def test_each_search_of_an_msearch_has_its_own_rule(ruled: Clients, client: OpenSearch) -> None:
    splare = ruled(mode="hybrid", window=80)
    body = {"query": MATCH, "size": 80}
    lines = [{"index": INDEX, "preference": "x"}, body, {}, {"query": {"match_all": {}}, "size": 1}]
    lines += [{"index": "nowhere"}, body, {"index": [INDEX], "ignore_unavailable": True}, body]
    first, second, third, fourth = splare.msearch(body=lines, index=INDEX)["responses"]
    alone = splare.search(index=INDEX, body=body)
    assert ids(first) == ids(fourth) == ids(alone)
    assert len(ids(first)) > len(ids(client.search(index=INDEX, body=body)))
    assert second["hits"]["hits"][0]["_source"].keys() == {"title", "text", "year"}
    assert third["status"] == 404


def test_templates_keep_their_bytes_and_their_replies_are_tidied(
    ruled: Clients, client: OpenSearch
) -> None:
    template = {"source": {"query": MATCH, "size": 3}, "params": {}}
    lines = f'{{"index":  "{INDEX}"}}\n{json.dumps(template)}\n'
    theirs = client.search(index=INDEX, body={"query": MATCH, "size": 3})
    found = ruled().search_template(index=INDEX, body=template)
    (of_several,) = ruled().msearch_template(body=lines)["responses"]
    for reply in (found, of_several):
        assert ids(reply) == ids(theirs)
        assert {"text", "text_splare"} & set(reply["hits"]["hits"][0]["_source"]) == {"text"}
    assert is_rewritten(f"/{INDEX}/_msearch/template", lines)  # by the asynchronous client too
    named = {**template, "source": {**template["source"], "_source": ["text_splare.count"]}}
    found = ruled().search_template(index=INDEX, body=named)
    assert found["hits"]["hits"][0]["_source"]["text_splare"]["count"] > 0


def test_the_document_of_an_explanation_is_the_one_that_the_application_knows(
    ruled: Clients, client: OpenSearch
) -> None:
    first = ids(client.search(index=INDEX, body={"query": MATCH}))[0]
    for source, ours in (("true", set()), ("text*", set()), ("text_splare", {"text_splare"})):
        params = {"_source": source}
        asked = {"index": INDEX, "id": first, "body": {"query": MATCH}, "params": params}
        theirs, found = client.explain(**asked), ruled().explain(**asked)
        shown = theirs["get"]["_source"].keys() - {"text_splare"} | ours
        assert found["get"]["_source"].keys() == shown
        assert found["explanation"] == theirs["explanation"]


def test_a_name_in_an_msearch_that_is_no_text_is_the_servers_to_look_for(
    ruled: Clients, client: OpenSearch
) -> None:
    asked = [part for name in (2024, [INDEX, 7]) for part in ({"index": name}, {"query": MATCH})]
    theirs = client.msearch(body=asked)["responses"]
    ours = ruled().msearch(body=asked)["responses"]
    assert [one["error"]["reason"] for one in ours] == [one["error"]["reason"] for one in theirs]


def test_a_clause_of_the_applications_own_is_served_as_ever(ruled: Clients) -> None:
    splare = ruled()
    both = {"query": {"bool": {"should": [MATCH, {"splare": {"text": "oil"}}]}}}
    assert (
        "latents"
        in splare.search(index=INDEX, body=both)["hits"]["hits"][0]["_source"]["text_splare"]
    )
    with pytest.raises(MappingError):
        splare.search(index=INDEX, body={"query": {"splare": {"body": "oil"}}})
    with pytest.raises(NotFoundError):
        splare.search(index="nowhere", body={"query": {"splare": {"text": "oil"}}})


def test_users_are_divided_by_a_header_and_both_arms_logged(
    ruled: Clients, client: OpenSearch, tmp_path
) -> None:
    path = tmp_path / "searches.jsonl"
    splare = ruled(LogOptions(path), percentage=50, header="X-User", weight=9)
    body = {"query": MATCH, "size": 5}
    found = {
        user: ids(splare.search(index=INDEX, body=body, headers={"X-User": user}))
        for user in "abcdefgh"
    }
    splare.search(index=INDEX, body=body)
    splare.search(index=INDEX, body={**body, "sort": ["year"]}, headers={"X-User": "a"})
    splare.search(index=INDEX, body={"query": {"match_all": {}}})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 10
    assert [line["hits"] for line in lines[:8]] == list(found.values())
    by_arm = {line["arm"]: line["hits"] for line in lines[:8]}
    theirs = client.search(index=INDEX, body=body)
    assert by_arm["control"] == ids(theirs) != by_arm["treatment"]
    assert {line["total"] for line in lines} == {theirs["hits"]["total"]["value"]}
    assert (lines[8]["arm"], lines[9]["arm"], lines[9]["why"]) == ("control", None, "sort")
