"""The native route on a real OpenSearch with ml-commons, against worker and client."""

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.connect import Route, check, connect, disconnect, replay
from splare_os.connect.route import find_route
from splare_os.documents import Fields
from splare_os.encode import load_encoder
from splare_os.errors import ConnectError, ModelMismatchError
from splare_os.index import IngestOptions, ingest
from splare_os.index.census import CensusOptions, take_census
from splare_os.layout.mapping import ensure_index
from splare_os.layout.pipeline import DEAD_LETTERS
from splare_os.layout.records import find_impacts
from splare_os.search import SplareOpenSearch
from tests.encode.answering import Answer, answering
from tests.hashing import HashEncoder
from tests.serve.serving import Server, running

from .conftest import Http

pytestmark = [pytest.mark.slow, pytest.mark.opensearch]

N_DOCUMENTS, N_QUERIES, N_RESTARTED = 100, 100, 150
numbers = itertools.count()


@pytest.fixture(scope="module")
def route(ml_client: OpenSearch, mini_server: Server) -> Route:
    found = find_route(ml_client, "native", Fields(), mini_server.url)
    connect(ml_client, found, sets_cluster=True)
    return found


@pytest.fixture
def fake_route(ml_client: OpenSearch):
    """A route to an address of which the index knows nothing."""

    def to(server: str) -> Route:
        index = f"failing-{next(numbers)}"
        ensure_index(ml_client, index, HashEncoder(), Fields())
        record = find_impacts(ml_client, index, Fields(), HashEncoder()).records[index]
        made = Route(index, "text_splare", record, server)
        connect(ml_client, made, sets_cluster=True)
        return made

    return to


def letters(client: OpenSearch, index: str) -> list[dict]:
    client.indices.refresh(index=DEAD_LETTERS, params={"ignore_unavailable": "true"})
    query = {"query": {"term": {"index": index}}, "size": 1000}
    found = client.search(index=f"{DEAD_LETTERS}*", body=query)
    return [hit["_source"] for hit in found["hits"]["hits"]]


def test_cluster_settings_are_told_and_changed_only_if_allowed(ml_client: OpenSearch) -> None:
    ensure_index(ml_client, "settings", HashEncoder(), Fields())
    record = find_impacts(ml_client, "settings", Fields(), HashEncoder()).records["settings"]
    there = ml_client.cluster.get_settings()
    elsewhere = Route("settings", "text_splare", record, "http://10.9.8.7:8080")
    with pytest.raises(ConnectError, match=r"trusted_connector_endpoints_regex.*10\\\\.9"):
        connect(ml_client, elsewhere)
    assert ml_client.cluster.get_settings() == there


def test_done_again_nothing_changes(ml_client: OpenSearch, route: Route) -> None:
    assert {one.state for one in check(ml_client, route)} == {"good"}
    assert connect(ml_client, route) == []


def test_either_route_stores_and_finds_the_same(
    ml_client: OpenSearch, http: Http, route: Route, ml_url: str, sample: list[dict], tmp_path: Path
) -> None:
    odd = [
        {"_id": "empty", "title": "", "text": " \u2003\n"},
        {"_id": "none", "n": 1},
        {"_id": "many", "title": "Ants", "text": ["carry", ["leaves", None], "\u00a0home "]},
    ]
    documents = sample[:N_DOCUMENTS] + odd
    assert {item["_index"] for item in http.bulk("native", documents)} == {"native"}
    mini = load_encoder("mini")
    file = tmp_path / "documents.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in documents))
    options = IngestOptions("worker", state_folder=tmp_path / "state")
    with SplareOpenSearch(ml_url, encoder=mini, timeout=120) as client:
        outcomes = ingest(client, mini, [str(file)], options)
        assert [one.reason for one in outcomes if one.status == "dead"] == []
        for one in documents:
            native = client.get(index="native", id=one["_id"])["_source"]
            ours = client.get(index="worker", id=one["_id"])["_source"]
            assert native == ours
        assert len(list(take_census(client, "native", CensusOptions()))) == 1
        for one in sample[:N_QUERIES]:
            _assert_equal_hits(client, http, one["text"][:80])


def _assert_equal_hits(client: SplareOpenSearch, http: Http, text: str) -> None:
    body = {"query": {"splare": {"text": text}}, "size": 10}
    ours = client.search(index="native", body=body)["hits"]["hits"]
    plain = {"neural_sparse": {"text_splare.impacts": {"query_text": text}}}
    status, reply = http("POST", "/native/_search", {"query": plain, "size": 10})
    assert status == 200, reply
    native = reply["hits"]["hits"]
    assert [hit["_id"] for hit in native] == [hit["_id"] for hit in ours]
    assert [hit["_score"] for hit in native] == pytest.approx([hit["_score"] for hit in ours])


def test_impacts_that_come_along_are_replaced_by_those_of_the_text(
    ml_client: OpenSearch, http: Http, route: Route
) -> None:
    given = {"text": "ants", "text_splare": {"impacts": {"1": 2.0}, "more": 1}}
    http.bulk("native", [{"_id": "plain", "text": "ants"}, {"_id": "given", **given}])
    plain, mended = (ml_client.get(index="native", id=one) for one in ("plain", "given"))
    assert mended["_source"] == plain["_source"]


def test_a_document_that_is_no_text_is_a_dead_letter_and_others_are_stored(
    ml_client: OpenSearch, http: Http, route: Route
) -> None:
    given = [{"_id": "good", "text": "ants"}, {"_id": "bad", "text": 7, "text_splare": {"x": 1}}]
    items = http.bulk("native", given)
    assert [item["_index"] for item in items] == ["native", DEAD_LETTERS]
    [letter] = [one for one in letters(ml_client, "native") if one["id"] == "bad"]
    assert "field text holds 7" in letter["reason"]
    assert letter["document"] == {"text": 7, "text_splare": {"x": 1}}
    outcomes = {one.id: one.reason for one in replay(ml_client, "native")}
    assert "again" in outcomes["bad"]
    assert len([one for one in letters(ml_client, "native") if one["id"] == "bad"]) == 1


FAILURES = {
    "401 wrong token": (Answer(401, {"error": "token"}), "token", 401),
    "409 another model": (Answer(409, {"error": "model"}), "model", 409),
    "429 too much waits": (Answer(429, {"error": "full"}), "full", 429),
    "500 the model failed": (Answer(500, {"error": "broken"}), "broken", 500),
    "503 not loaded yet": (Answer(503, {"error": "loading"}), "loading", 503),
    "no number of answers": (Answer(200, {"response": []}), "", None),
    "no JSON": (Answer(200, b"<html>"), "", None),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failing_server_leaves_letters_and_no_half_documents(
    ml_client: OpenSearch, http: Http, fake_route, name: str
) -> None:
    answer, reason, status = FAILURES[name]
    paths = ("/native/documents", "/native/queries")
    with answering({path: [answer] for path in paths}) as told:
        made = fake_route(told.url)
        documents = [{"_id": str(n), "text": f"ants {n}"} for n in range(3)]
        items = http.bulk(made.index, documents)
        assert [item["_index"] for item in items] == [DEAD_LETTERS] * 3
        found = letters(ml_client, made.index)
        assert sorted(one["id"] for one in found) == ["0", "1", "2"]
        assert all(reason in one["reason"] and one["reason"] for one in found)
        assert all(one["document"] == {"text": f"ants {one['id']}"} for one in found)
        query = {"neural_sparse": {"text_splare.impacts": {"query_text": "ants"}}}
        got, reply = http("POST", f"/{made.index}/_search", {"query": query})
        assert got == status if status else got >= 400, (got, reply)
    disconnect(ml_client, made)


def test_letters_of_a_server_that_was_down_are_replayed(
    ml_client: OpenSearch, http: Http, fake_route
) -> None:
    good = {"response": [{"7": 0.5, "length": 0.5}]}
    with answering({"/native/documents": [Answer(200, good)]}) as told:
        made = fake_route("http://127.0.0.1:9")
        [item] = http.bulk(made.index, [{"_id": "1", "text": "ants"}])
        assert item["_index"] == DEAD_LETTERS
        query = {"neural_sparse": {"text_splare.impacts": {"query_text": "ants"}}}
        assert http("POST", f"/{made.index}/_search", {"query": query})[0] >= 500
        mended = Route(made.index, made.field, made.record, told.url)
        assert "out of date" in str(list(check(ml_client, mended)))
        connect(ml_client, mended, sets_cluster=True)
        assert [one.reason for one in replay(ml_client, made.index)] == [""]
        stored = ml_client.get(index=made.index, id="1")["_source"]["text_splare"]
        assert (stored["impacts"], stored["latents"], stored["count"]) == ({"7": 0.5}, ["7"], 1)
        assert letters(ml_client, made.index) == []
    disconnect(ml_client, mended)


def test_a_restarted_server_loses_no_document(
    ml_client: OpenSearch, http: Http, ml_url: str, sample: list[dict], tmp_path: Path
) -> None:
    documents = sample[:N_RESTARTED]
    command = ("-m", "splare_os", "serve", "--model", "mini", "--url", ml_url, "--port")
    with running(tmp_path, command=(*command, "0")) as server:
        made = find_route(ml_client, "restarted", Fields(), server.url)
        connect(ml_client, made, sets_cluster=True)
        with ThreadPoolExecutor(1) as threads:
            sending = threads.submit(http.bulk, "restarted", documents)
            while not server.metric('splare_texts_total{kind="document"}'):
                time.sleep(0.05)
            server.process.kill()
            server.process.wait(60)
            with running(tmp_path, command=(*command, server.url.rpartition(":")[2])):
                items = sending.result(300)
                found = {one["id"] for one in letters(ml_client, "restarted")}
                reply = ml_client.search(index="restarted", body={"size": 1000})
                stored = {hit["_id"]: hit["_source"] for hit in reply["hits"]["hits"]}
                assert all(one["text_splare"]["count"] > 0 for one in stored.values())
                assert stored.keys() | found == {one["_id"] for one in documents}
                assert not stored.keys() & found
                assert len(items) == len(documents)
                assert all(one.reason == "" for one in replay(ml_client, "restarted"))
        ml_client.indices.refresh(index="restarted")
        assert ml_client.count(index="restarted")["count"] == len(documents)


def test_a_field_of_another_model_is_refused(
    ml_client: OpenSearch, mini_server: Server, route: Route
) -> None:
    ensure_index(ml_client, "foreign", HashEncoder(), Fields())
    with pytest.raises(ModelMismatchError, match="come from the model 'hash'"):
        find_route(ml_client, "foreign", Fields(), mini_server.url)
    asked = {"texts": ["ants"], "index": "foreign", "field": "text"}
    for path in ("/native/documents", "/native/queries"):
        status, reply = mini_server.post(path, asked)
        assert (status, reply["error_type"]) == (409, "Model")


def test_disconnecting_leaves_the_documents(ml_client: OpenSearch, http: Http, fake_route) -> None:
    made = fake_route("http://127.0.0.1:9")
    assert len(disconnect(ml_client, made)) == 8
    assert {one.state.partition(":")[0] for one in check(ml_client, made)} == {"missing"}
    assert disconnect(ml_client, made) == []
    [item] = http.bulk(made.index, [{"_id": "1", "text": "ants"}])
    assert item["_index"] == made.index


def test_a_cluster_without_ml_commons_has_the_client_route_only(client: OpenSearch) -> None:
    record = None
    with pytest.raises(ConnectError, match="no ml-commons: only the client route"):
        disconnect(client, Route("any", "text_splare", record, "http://x"))  # type: ignore[arg-type]
