"""What existing applications do with their client, done with ours."""

import json
from typing import Any

import numpy as np
import pytest
from opensearchpy import NotFoundError, OpenSearch, Q, RequestError, Search, Transport, helpers
from opensearchpy.exceptions import OpenSearchWarning

from splare_os.encoder import Encoder
from splare_os.errors import MappingError, ModelMismatchError
from splare_os.index import BackfillOptions, IngestOptions, backfill, ingest
from splare_os.search import SplareOpenSearch
from tests.hashing import HashEncoder

from ..conftest import Library

pytestmark = pytest.mark.opensearch

CLAUSE = {"splare": {"text": "the oil embargo"}}
BODY = {"query": CLAUSE, "size": 5}


def scores(reply: dict[str, Any]) -> dict[str, float]:
    return {hit["_id"]: hit["_score"] for hit in reply["hits"]["hits"]}


@pytest.fixture
def expected(splare: SplareOpenSearch, library: Library) -> dict[str, float]:
    return scores(splare.search(index="library", body=BODY))


def test_copies_by_scan_and_bulk_keep_their_impacts(
    splare: SplareOpenSearch, client: OpenSearch, index: str, expected: dict[str, float]
) -> None:
    mapping = client.indices.get_mapping(index="library")["library"]["mappings"]
    client.indices.create(index=index, body={"mappings": mapping})
    client.indices.create(index=f"{index}-2", body={"mappings": mapping})
    helpers.reindex(splare, "library", index)
    actions = (
        {"_index": f"{index}-2", "_id": hit["_id"], "_source": hit["_source"]}
        for hit in helpers.scan(splare, index="library")
    )
    helpers.bulk(splare, actions)
    original = client.get(index="library", id="d3")["_source"]
    assert original["text_splare"]["impacts"]
    for copy in (index, f"{index}-2"):
        client.indices.refresh(index=copy)
        assert client.get(index=copy, id="d3")["_source"] == original
        assert client.count(index=copy)["count"] == 60
        assert scores(splare.search(index=copy, body=BODY))


def test_a_document_saved_without_impacts_is_noticed(
    splare: SplareOpenSearch, client: OpenSearch, index: str, tmp_path, write
) -> None:
    source = write([{"_id": "a", "text": "the oil"}, {"_id": "b", "text": "the war"}])

    def run() -> dict[str, int]:
        options = IngestOptions(index, state_folder=tmp_path, is_restarted=True)
        running = ingest(client, splare.transport.rewriter.encoder, [source], options)
        for _ in running:
            pass
        return {status: n for status, n in running.counts.items() if n}

    assert run() == {"indexed": 2}
    hit = splare.search(index=index, body={"query": {"ids": {"values": ["a"]}}})["hits"]["hits"][0]
    splare.index(index=index, id="a", body=hit["_source"], refresh=True)  # search, change, save
    assert run() == {"indexed": 1, "unchanged": 1}
    assert "impacts" in client.get(index=index, id="a")["_source"]["text_splare"]


def test_an_alias_that_moves_to_another_model_is_noticed_at_once(
    splare: SplareOpenSearch, client: OpenSearch, index: str, tmp_path, write, library: Library
) -> None:
    source = write([{"_id": "x", "text": "the oil embargo"}])
    list(ingest(client, HashEncoder(), [source], IngestOptions(index, state_folder=tmp_path)))
    client.indices.put_alias(index="library", name="shelf")
    try:
        assert scores(splare.search(index="shelf", body=BODY))
        moves = [
            {"remove": {"index": "library", "alias": "shelf"}},
            {"add": {"index": index, "alias": "shelf"}},
        ]
        client.indices.update_aliases(body={"actions": moves})
        with_all = {"query": {"bool": {"should": [CLAUSE, {"match_all": {}}]}}}
        with pytest.raises(ModelMismatchError, match=index):
            splare.search(index="shelf", body=with_all)
        (refused,) = splare.msearch(body=[{"index": "shelf"}, with_all])["responses"]
        assert refused["error"]["type"] == "model_mismatch_error"
        assert index in refused["error"]["reason"]
    finally:
        client.indices.delete_alias(index="*", name="shelf")


def test_an_index_that_was_missing_is_searched_once_it_is_there(
    splare: SplareOpenSearch, client: OpenSearch, index: str, library: Library
) -> None:
    with pytest.raises(NotFoundError):
        splare.search(index=index, body=BODY)
    client.indices.put_alias(index="library", name=index)
    try:
        assert scores(splare.search(index=index, body=BODY))
    finally:
        client.indices.delete_alias(index="library", name=index)


def test_blank_lines_of_an_msearch_are_empty_headers(
    splare: SplareOpenSearch, expected: dict[str, float]
) -> None:
    other = json.dumps({"query": {"match_all": {}}, "size": 1})
    text = f"\n{other}\n\n{json.dumps(BODY)}\n{{}}\n{other}\n"
    first, second, third = splare.msearch(body=text, index="library")["responses"]
    assert scores(second) == pytest.approx(expected)
    assert len(scores(first)) == len(scores(third)) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"bool": {"should": (CLAUSE,)}}, "size": np.int64(5)},
        {"query": Q("splare", text="the oil embargo"), "size": 5},
        {"query": {"bool": {"should": [Q("splare", text="the oil embargo")]}}, "size": 5},
        json.dumps(BODY),
        json.dumps(BODY).encode(),
        Search().query("splare", text="the oil embargo")[0:5],
        Search().query("splare", text="the oil embargo")[0:5].to_dict(),
    ],
)
def test_a_body_may_be_whatever_the_client_takes(
    splare: SplareOpenSearch, expected: dict[str, float], body: Any
) -> None:
    assert scores(splare.search(index="library", body=body)) == pytest.approx(expected)


@pytest.mark.parametrize(
    "rest",
    [
        {"aggs": None},
        {"rescore": None},
        {"post_filter": None},
        {"aggs": {"a": None}},
        {"sort": None},
    ],
)
def test_what_is_null_is_for_the_server_to_take_or_refuse(
    splare: SplareOpenSearch, client: OpenSearch, library: Library, rest: dict[str, Any]
) -> None:
    def answer(asked: OpenSearch, query: dict[str, Any]) -> tuple[object, ...]:
        try:
            return 200, bool(asked.search(index="library", body={"query": query, **rest})["hits"])
        except RequestError as error:
            return error.status_code, error.error

    assert answer(splare, CLAUSE) == answer(client, {"match_all": {}})


def test_functions_may_be_null(splare: SplareOpenSearch, expected: dict[str, float]) -> None:
    body = {"query": {"function_score": {"query": CLAUSE, "functions": None}}, "size": 5}
    assert scores(splare.search(index="library", body=body)) == pytest.approx(expected)


def test_a_clause_has_a_name_as_any_query_has(splare: SplareOpenSearch, library: Library) -> None:
    named = {"splare": {"text": {"query": "the oil embargo", "_name": "latents", "boost": 2}}}
    query = {"bool": {"should": [named, {"match": {"text": {"query": "war", "_name": "words"}}}]}}
    hits = splare.search(index="library", body={"query": query, "size": 60})["hits"]["hits"]
    assert {name for hit in hits for name in hit["matched_queries"]} == {"latents", "words"}
    alone = scores(splare.search(index="library", body={"query": named, "size": 60}))
    plain = {"splare": {"text": {"query": "the oil embargo", "boost": 2}}}
    assert alone == scores(splare.search(index="library", body={"query": plain, "size": 60}))


def test_what_is_no_json_is_for_the_server_to_say(
    splare: SplareOpenSearch, library: Library
) -> None:
    for body in ("no JSON", b"{"):
        with pytest.raises(RequestError):
            splare.search(index="library", body=body)


def test_a_query_with_a_clause_is_valid(splare: SplareOpenSearch, library: Library) -> None:
    reply = splare.indices.validate_query(index="library", body={"query": CLAUSE})
    assert reply["valid"] is True
    assert (
        splare.indices.validate_query(index="library", body={"query": {"x": {}}})["valid"] is False
    )


def test_a_search_without_a_body_gets_none(
    splare: SplareOpenSearch, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    send = Transport.perform_request

    def note(self: Transport, method: str, url: str, **given: Any) -> Any:
        sent.append(given.get("body"))
        return send(self, method, url, **given)

    monkeypatch.setattr(Transport, "perform_request", note)
    hit = splare.search(index="library")["hits"]["hits"][0]
    assert "impacts" not in hit["_source"]["text_splare"]
    assert sent == [None]


def test_an_application_may_have_a_transport_of_its_own(
    cluster_url: str, encoder: Encoder, expected: dict[str, float]
) -> None:
    class Counting(Transport):
        n = 0

        def perform_request(self, *args: Any, **kwargs: Any) -> Any:
            Counting.n += 1
            return super().perform_request(*args, **kwargs)

    for client in (
        SplareOpenSearch(cluster_url, Counting, encoder=encoder),
        SplareOpenSearch(cluster_url, transport_class=Counting, encoder=encoder),
        SplareOpenSearch(cluster_url, encoder=encoder, sniff_on_start=True),
    ):
        with client:
            assert scores(client.search(index="library", body=BODY)) == pytest.approx(expected)
    assert Counting.n > 2


@pytest.fixture
def shelf(client: OpenSearch, library: Library, index: str):
    """An alias of the library and of an index that has no impacts yet."""
    client.index(index=index, id="bare", body={"text": "the oil embargo"}, refresh=True)
    for name in (index, "library"):
        client.indices.put_alias(index=name, name="mixed-shelf")
    yield "mixed-shelf"
    client.indices.delete_alias(index="*", name="mixed-shelf")


def test_an_index_without_impacts_is_refused_or_passed_over_with_a_warning(
    splare: SplareOpenSearch,
    cluster_url: str,
    encoder: Encoder,
    expected: dict[str, float],
    shelf: str,
    index: str,
) -> None:
    with pytest.raises(MappingError, match=f"index '{index}' has no impacts field"):
        splare.search(index=shelf, body=BODY)
    with SplareOpenSearch(cluster_url, encoder=encoder, missing_impacts="skip") as lenient:
        with pytest.warns(OpenSearchWarning, match=f"no impacts of 'text' in {index}"):
            found = scores(lenient.search(index=shelf, body=BODY))
        assert found == pytest.approx(expected)
        words = {"match": {"text": {"query": "embargo", "boost": 100}}}
        both = {"query": {"bool": {"should": [CLAUSE, words]}}, "size": 60}
        assert "bare" in scores(lenient.search(index=shelf, body=both))
        with pytest.raises(MappingError, match="no index has the impacts field"):
            lenient.search(index=index, body=BODY)
    other = SplareOpenSearch(
        cluster_url, encoder=encoder, dialect="neural_sparse", missing_impacts="skip"
    )
    with other, pytest.warns(OpenSearchWarning):
        assert scores(other.search(index=shelf, body=BODY)) == pytest.approx(expected)
    with pytest.raises(ValueError, match="missing_impacts='drop': choose refuse or skip"):
        SplareOpenSearch(cluster_url, encoder=encoder, missing_impacts="drop")


def test_a_body_that_was_to_be_a_parameter_is_sent_as_a_body(
    cluster_url: str, encoder: Encoder, expected: dict[str, float]
) -> None:
    with SplareOpenSearch(cluster_url, encoder=encoder, send_get_body_as="source") as client:
        send = client.transport.perform_request
        assert scores(send("GET", "/library/_search", body=BODY)) == pytest.approx(expected)
        clause = {"splare": {"text": {"query": "the oil embargo", "min_score": 0.001}}}
        assert send("GET", "/library/_count", body={"query": clause})["count"] > 30


def test_a_data_stream_is_backfilled_and_searched_but_not_indexed_into(
    splare: SplareOpenSearch, client: OpenSearch, encoder: Encoder, index: str, write, tmp_path
) -> None:
    template = {"index_patterns": [f"{index}-logs"], "data_stream": {}, "priority": 500}
    client.indices.put_index_template(name=index, body=template)
    client.indices.create_data_stream(name=f"{index}-logs")
    try:
        source = write([{"_id": "x", "@timestamp": "2026-01-01T00:00:00Z", "text": "oil"}])
        options = IngestOptions(f"{index}-logs", state_folder=tmp_path)
        with pytest.raises(MappingError, match=r"is a data stream.*splare-os backfill --index"):
            list(ingest(client, encoder, [source], options))
        for name, text in (("a", "the oil embargo"), ("b", "river")):
            body = {"@timestamp": "2026-01-01T00:00:00Z", "text": text}
            client.create(index=f"{index}-logs", id=name, body=body)
        filling = backfill(client, encoder, BackfillOptions(f"{index}-logs", state_folder=tmp_path))
        assert [outcome.status for outcome in filling] == ["indexed"] * 2
        client.indices.refresh(index=f"{index}-logs")
        found = scores(splare.search(index=f"{index}-logs", body=BODY))
        assert next(iter(found)) == "a"
    finally:
        client.indices.delete_data_stream(name=f"{index}-logs")
        client.indices.delete_index_template(name=index)
