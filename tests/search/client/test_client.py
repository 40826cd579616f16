import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import OpenSearch, Q, RequestError, Search, Urllib3HttpConnection, helpers

from splare_os.documents.fields import Fields
from splare_os.encoder import Encoder
from splare_os.errors import MappingError, ModelMismatchError
from splare_os.index import IngestOptions, ingest
from splare_os.layout import DocumentCut, ensure_index
from splare_os.scoring import Scoring
from splare_os.search import SplareOpenSearch
from tests.hashing import HashEncoder

from ..conftest import Library

pytestmark = pytest.mark.opensearch

QUERY = "the oil embargo"
CLAUSE = {"splare": {"text": QUERY}}


def scores(reply: dict[str, Any]) -> dict[str, float]:
    return {hit["_id"]: hit["_score"] for hit in reply["hits"]["hits"]}


def test_scores_are_calibrated_by_the_collection(
    splare: SplareOpenSearch, library: Library
) -> None:
    found = scores(splare.search(index="library", body={"query": CLAUSE, "size": 100}))
    assert found == pytest.approx(library.scores(QUERY), rel=1e-5)
    assert len(found) > 30


def test_plain_impacts_score_by_dot_product_if_that_is_asked_for(
    splare: SplareOpenSearch, library: Library
) -> None:
    clause = {"splare": {"text": {"query": QUERY, "scoring": "dot"}}}
    found = scores(splare.search(index=library.plain, body={"query": clause, "size": 100}))
    assert found == pytest.approx(library.dot_products(QUERY), rel=1e-5)


def test_plain_impacts_are_saturated_by_the_cluster(
    splare: SplareOpenSearch, library: Library
) -> None:
    found = scores(splare.search(index=library.plain, body={"query": CLAUSE, "size": 100}))
    assert found == pytest.approx(library.scores(QUERY), rel=5e-3)  # rounded before, not after


def test_a_client_may_score_by_dot_product_as_a_rule(
    cluster_url: str, encoder: Encoder, library: Library
) -> None:
    with SplareOpenSearch(cluster_url, encoder=encoder, scoring="dot") as client:
        found = scores(client.search(index=library.plain, body={"query": CLAUSE, "size": 100}))
    assert found == pytest.approx(library.dot_products(QUERY), rel=1e-5)


def test_dot_products_of_saturated_impacts_are_refused(
    splare: SplareOpenSearch, library: Library
) -> None:
    clause = {"splare": {"text": {"query": QUERY, "scoring": "dot"}}}
    with pytest.raises(MappingError, match="scoring='dot': library keeps saturated impacts"):
        splare.search(index="library", body={"query": clause})


def test_indices_that_store_impacts_differently_are_not_searched_together(
    splare: SplareOpenSearch, library: Library
) -> None:
    with pytest.raises(MappingError, match="store impacts differently"):
        splare.search(index=f"library,{library.plain}", body={"query": CLAUSE})


def test_neural_sparse_cannot_saturate_plain_impacts(
    cluster_url: str, encoder: Encoder, library: Library
) -> None:
    with (
        SplareOpenSearch(cluster_url, encoder=encoder, dialect="neural_sparse") as client,
        pytest.raises(ValueError, match="dialect='neural_sparse' cannot saturate"),
    ):
        client.search(index=library.plain, body={"query": CLAUSE})


@pytest.mark.parametrize("scoring", ["calibrated", "dot"])
def test_both_dialects_give_the_same_scores(
    splare: SplareOpenSearch,
    cluster_url: str,
    encoder: Encoder,
    library: Library,
    scoring: Scoring,
) -> None:
    index = "library" if scoring == "calibrated" else library.plain
    body = {"query": {"splare": {"text": {"query": QUERY, "scoring": scoring}}}, "size": 100}
    with SplareOpenSearch(cluster_url, encoder=encoder, dialect="neural_sparse") as other:
        theirs = scores(other.search(index=index, body=body))
    assert theirs == scores(splare.search(index=index, body=body))
    assert len(theirs) > 30


def test_a_clause_scores_beside_other_queries(splare: SplareOpenSearch, library: Library) -> None:
    query = {"bool": {"must": [CLAUSE], "filter": [{"term": {"group": 1}}]}}
    found = scores(splare.search(index="library", body={"query": query, "size": 100}))
    expected = {name: s for name, s in library.scores(QUERY).items() if int(name[1:]) % 2}
    assert found == pytest.approx(expected, rel=1e-5)


def test_boost_multiplies(splare: SplareOpenSearch, library: Library) -> None:
    clause = {"splare": {"text": {"query": QUERY, "boost": 3}}}
    found = scores(splare.search(index="library", body={"query": clause, "size": 100}))
    expected = {name: 3 * score for name, score in library.scores(QUERY).items()}
    assert found == pytest.approx(expected, rel=1e-5)


def test_min_score_selects_also_in_a_filter_and_a_count(
    splare: SplareOpenSearch, library: Library
) -> None:
    ranked = sorted(library.scores(QUERY).values())
    least = (ranked[-10] + ranked[-11]) / 2
    best = {name for name, score in library.scores(QUERY).items() if score > least}
    clause = {"splare": {"text": {"query": QUERY, "min_score": least}}}
    body = {"query": {"bool": {"filter": [clause]}}}
    assert set(scores(splare.search(index="library", body={**body, "size": 100}))) == best
    assert splare.count(index="library", body={"query": clause})["count"] == len(best)
    aggs = {"near": {"filter": clause}}
    reply = splare.search(index="library", body={"size": 0, "aggs": aggs})
    assert reply["aggregations"]["near"]["doc_count"] == len(best)


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.count(index="library", body={"query": CLAUSE}),
        lambda client: client.delete_by_query(index="library", body={"query": CLAUSE}),
        lambda client: client.update_by_query(index="library", body={"query": CLAUSE}),
        lambda client: client.search(index="library", body={"post_filter": CLAUSE}),
    ],
)
def test_what_would_select_most_of_an_index_is_refused(
    splare: SplareOpenSearch, library: Library, call: Callable[[OpenSearch], object]
) -> None:
    with pytest.raises(ValueError, match="give it a min_score"):
        call(splare)


def test_every_way_to_search_is_served(splare: SplareOpenSearch, library: Library) -> None:
    body = {"query": CLAUSE, "size": 5}
    expected = scores(splare.search(index="library", body=body))
    header = {"index": "library"}
    replies = splare.msearch(body=[header, body, {}, {"query": {"match_all": {}}}])["responses"]
    assert scores(replies[0]) == expected
    assert "impacts" not in replies[1]["hits"]["hits"][0]["_source"].get("text_splare", {})
    odd = {"query": {"match": {"text": "oil\u2028\x85war"}}}
    assert len(splare.msearch(body=[header, odd, header, body])["responses"]) == 2
    raw = splare.transport.perform_request("POST", "/library/_search", body=json.dumps(body))
    assert scores(raw) == expected
    built = Search(using=splare, index="library").query(Q("splare", text=QUERY))[:5]
    assert scores(built.execute().to_dict()) == expected
    scanned = list(helpers.scan(splare, index="library", query={"query": CLAUSE}))
    assert {hit["_id"] for hit in scanned} == set(library.scores(QUERY))
    explained = splare.explain(index="library", id=next(iter(expected)), body={"query": CLAUSE})
    assert explained["explanation"]["value"] == pytest.approx(next(iter(expected.values())))


def test_an_alias_works_and_every_index_behind_it_is_checked(
    splare: SplareOpenSearch, client: OpenSearch, library: Library
) -> None:
    client.indices.put_alias(index="library", name="shelf")
    found = scores(splare.search(index="shelf", body={"query": CLAUSE, "size": 3}))
    assert len(found) == 3
    client.indices.create(index="bare")
    client.indices.put_alias(index="bare", name="shelf")
    try:
        with (
            SplareOpenSearch(client.transport.hosts, encoder=library.encoder) as other,
            pytest.raises(MappingError, match="index 'bare' has no impacts field"),
        ):
            other.search(index="shelf", body={"query": CLAUSE})
    finally:
        client.indices.delete(index="bare")


def test_a_field_without_impacts_is_refused(splare: SplareOpenSearch, library: Library) -> None:
    with pytest.raises(MappingError, match="'library' has no impacts field 'body_splare'"):
        splare.search(index="library", body={"query": {"splare": {"body": "oil"}}})


def test_an_index_of_another_model_is_refused_with_both_names(
    cluster_url: str, library: Library
) -> None:
    with (
        SplareOpenSearch(cluster_url, encoder=HashEncoder()) as client,
        pytest.raises(ModelMismatchError, match=r"'tiny'.*'hash'.*Use 'tiny' for this index"),
    ):
        client.search(index="library", body={"query": CLAUSE})


@pytest.mark.parametrize(
    ("arguments", "has_impacts", "has_text"),
    [
        ({"body": {"query": {"match_all": {}}}}, False, True),
        ({}, False, True),
        ({"body": {"_source": ["text_splare.impacts"]}}, True, False),
        ({"body": {"_source": ["text"]}}, False, True),
        ({"_source_includes": "text"}, False, True),
        ({"_source_includes": "text_splare.*"}, True, False),
        ({"q": "oil"}, False, True),
        ({"body": ""}, False, True),
        ({"body": {"stored_fields": "_none_"}}, False, False),
        ({"stored_fields": "title"}, False, False),
        ({"params": {"source": "{}", "source_content_type": "application/json"}}, False, True),
    ],
)
def test_impacts_come_only_when_asked_for(
    splare: SplareOpenSearch,
    library: Library,
    arguments: dict[str, Any],
    has_impacts: bool,  # noqa: FBT001
    has_text: bool,  # noqa: FBT001
) -> None:
    hit = splare.search(index="library", **arguments)["hits"]["hits"][0]
    source = hit.get("_source", {})
    assert ("impacts" in source.get("text_splare", {})) is has_impacts
    assert ("text" in source) is has_text


def test_other_requests_pass_untouched(splare: SplareOpenSearch, library: Library) -> None:
    assert splare.info()["version"]["number"]
    document = splare.get(index="library", id="d1")
    assert document["_source"]["text_splare"]["impacts"]
    point = splare.create_pit(index="library", keep_alive="1m")
    body = {"pit": {"id": point["pit_id"]}, "query": {"match_all": {}}, "size": 2}
    assert len(splare.search(body=body)["hits"]["hits"]) == 2


def test_a_point_in_time_asks_only_the_indices_that_it_holds(
    splare: SplareOpenSearch, library: Library
) -> None:
    splare.indices.create(index="elsewhere", body={})
    point = splare.create_pit(index="library", keep_alive="1m")
    ensure_index(splare, "other-model", HashEncoder(), Fields(), cut=DocumentCut(9))
    body = {"pit": {"id": point["pit_id"]}, "query": CLAUSE, "size": 100}
    assert scores(splare.search(body=body)) == pytest.approx(library.scores(QUERY), rel=1e-5)
    with pytest.raises(MappingError, match="no index has the impacts field 'colour_splare'"):
        splare.search(body={"query": {"splare": {"colour": "red"}}})


def test_a_field_made_with_another_text_field_is_searched_by_its_name(
    client: OpenSearch, splare: SplareOpenSearch, encoder: Encoder, tmp_path: Path
) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"id": 7, "body": "oil war"}\n{"id": 8, "body": "river"}\n')
    fields = Fields(text="body", title=None, id="id")
    options = IngestOptions(index="bodies", fields=fields, state_folder=tmp_path)
    assert len(list(ingest(client, encoder, [str(path)], options))) == 2
    reply = splare.search(index="bodies", body={"query": {"splare": {"body": "oil war"}}})
    assert reply["hits"]["hits"][0]["_id"] == "7"


@pytest.mark.parametrize("path", ["_count", "_explain/d3", "_validate/query"])
def test_what_has_no_clause_keeps_its_bytes(cluster_url: str, library: Library, path: str) -> None:
    sent = []

    class Recording(Urllib3HttpConnection):
        def perform_request(self, method, url, params=None, body=None, **others):
            sent.append(body)
            return super().perform_request(method, url, params, body, **others)

    text = '{ "query":  {"match" : {"text":"oil"}} }'
    with SplareOpenSearch(cluster_url, connection_class=Recording, encoder=HashEncoder()) as splare:
        splare.transport.perform_request("POST", f"/library/{path}", body=text)
    assert sent == [text.encode()]


@pytest.mark.parametrize("kind", ["filters", "adjacency_matrix"])
@pytest.mark.parametrize("filters", ["x", 3, False])
def test_filters_that_are_none_are_for_the_server_to_refuse(
    splare: SplareOpenSearch, library: Library, kind: str, filters: object
) -> None:
    body = {"aggs": {kind: {kind: {"filters": filters}}}}
    with pytest.raises(RequestError, match=kind):
        splare.search(index=library.index, body=body)
