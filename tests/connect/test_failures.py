"""What documents and searches get where the model server fails: the table of docs/native.md."""

import ssl
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from opensearchpy import OpenSearch

from splare_os.connect import Route, bodies, connect, disconnect
from splare_os.connect.route import find_route
from splare_os.documents import Fields
from splare_os.index import replay
from splare_os.layout.pipeline import DEAD_LETTERS
from splare_os.serve.refusal import TO_ML_COMMONS
from tests.encode.answering import Answer, answering
from tests.serve.serving import running

from .conftest import Http, letters

pytestmark = [pytest.mark.slow, pytest.mark.opensearch]

DOCUMENTS = [{"_id": str(n), "text": f"ants {n}"} for n in range(3)]
QUERY = {"query": {"neural_sparse": {"text_splare.impacts": {"query_text": "ants"}}}}
PATIENCE_S = 2
"""In place of the minutes that connectors wait for documents."""

N_RESTARTED, A_BULK = 5000, 250


@dataclass(frozen=True)
class Failure:
    """What a server answers, and what comes of it: the reason of letters, the status of searches.

    `server`: an address where nobody listens, or None. `status` None: any of an error.
    """

    answers: Sequence[Answer] = ()
    reason: str = ""
    status: int | None = None
    becomes: str = "dead letter"
    server: str | None = None
    is_trusted: bool = True


def good(n_texts: int) -> Answer:
    return Answer(200, {"response": [{"7": 0.5, "length": 0.5}] * n_texts})


def again(status: int) -> Answer:
    return Answer(status, {"error": "full"}, TO_ML_COMMONS)


FAILURES = {
    "is down": Failure(reason="Connection refused", status=500, server="http://127.0.0.1:9"),
    "has a certificate that the cluster does not trust": Failure(
        [good(3)], "certification path", 500, is_trusted=False
    ),
    "answers too late": Failure(
        [Answer(200, {"response": []}, after_s=2.5 * PATIENCE_S)], "timed out", 500
    ),
    "401 wrong token": Failure([Answer(401, {"error": "token"})], "token", 401),
    "409 another model": Failure([Answer(409, {"error": "model"})], "model", 409),
    "429 too much waits, for a while": Failure(
        [again(429), again(429), good(3)], "", 200, "stored"
    ),
    "429 too much waits, for too long": Failure([again(429)], "remote server throttling", 429),
    "500 the model failed": Failure([Answer(500, {"error": "broken"})], "broken", 500),
    "503 not loaded yet, for a while": Failure(
        [again(503), again(503), good(3)], "", 200, "stored"
    ),
    "503 not loaded yet, for too long": Failure([again(503)], "remote server throttling", 503),
    "no number of answers": Failure([Answer(200, {"response": []})]),
    "is cut off in the middle of an answer": Failure(
        [Answer(200, good(3).content, is_cut=True)], "connection was closed", 200
    ),
    "no JSON": Failure([Answer(200, b"<html>")]),
}


@pytest.fixture
def hurried_route(
    fake_route: Callable[[str], Route], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Route]:
    """A route whose connectors wait for seconds."""
    read, hurry = bodies._read, {"read_timeout": PATIENCE_S, "retry_timeout_seconds": PATIENCE_S}

    def hurried(name: str) -> bodies.Json:
        body = read(name)
        if "client_config" in body:
            body["client_config"] |= hurry
        return body

    monkeypatch.setattr(bodies, "_read", hurried)
    monkeypatch.setattr(bodies, "PATIENCE_OF_QUERIES", {})
    return fake_route


@pytest.mark.parametrize("name", FAILURES)
def test_a_failing_server_leaves_letters_and_no_half_documents(
    ml_client: OpenSearch, http: Http, hurried_route: Callable[[str], Route], name: str
) -> None:
    failure = FAILURES[name]
    is_stored = failure.becomes == "stored"
    queries = [good(1) if is_stored and one.status == 200 else one for one in failure.answers]
    answers = {"/native/documents": failure.answers, "/native/queries": queries}
    with answering(answers, None if failure.is_trusted else unknown_authority()) as told:
        made = hurried_route(failure.server or told.url)
        items = http.bulk(made.index, DOCUMENTS)
        found = letters(ml_client, made.index)
        if is_stored:
            assert {item["_index"] for item in items} == {made.index}
            assert found == []
        else:
            _assert_letters(items, found, failure.reason)
        status, reply = http("POST", f"/{made.index}/_search", QUERY)
        assert status == failure.status if failure.status else status >= 400, (status, reply)
        assert ("hits" in reply, "error" in reply) == (is_stored, not is_stored)
    disconnect(ml_client, made)


def _assert_letters(items: list[dict], found: list[dict], reason: str) -> None:
    assert [item["_index"] for item in items] == [DEAD_LETTERS] * 3
    assert sorted(one["id"] for one in found) == ["0", "1", "2"]
    assert all(reason in one["reason"] and one["reason"] for one in found), found
    assert all(one["document"] == {"text": f"ants {one['id']}"} for one in found)


def unknown_authority() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_letters_of_a_server_that_was_down_are_replayed(
    ml_client: OpenSearch, http: Http, fake_route: Callable[[str], Route]
) -> None:
    with answering({"/native/documents": [good(1)]}) as told:
        made = fake_route("http://127.0.0.1:9")
        [item] = http.bulk(made.index, [{"_id": "1", "text": "ants"}])
        assert item["_index"] == DEAD_LETTERS
        mended = Route(made.index, made.field, made.record, told.url)
        connect(ml_client, mended, sets_cluster=True)
        assert [one.reason for one in replay(ml_client, made.index)] == [""]
        stored = ml_client.get(index=made.index, id="1")["_source"]["text_splare"]
        assert (stored["impacts"], stored["latents"], stored["count"]) == ({"7": 0.5}, ["7"], 1)
        assert letters(ml_client, made.index) == []
    disconnect(ml_client, mended)


def test_a_restarted_server_loses_no_document(
    ml_client: OpenSearch, http: Http, ml_url: str, sample: list[dict], tmp_path: Path
) -> None:
    documents = [
        {"_id": f"{one['_id']}-{start}", "text": one["text"][start : start + 60]}
        for start in (0, 60, 120)
        for one in sample
    ][:N_RESTARTED]
    command = ("-m", "splare_os", "serve", "--model", "mini", "--url", ml_url, "--port")
    with running(tmp_path, command=(*command, "0")) as server, ThreadPoolExecutor(1) as threads:
        made = find_route(ml_client, "restarted", Fields(), server.url)
        connect(ml_client, made, sets_cluster=True)
        begun = Counter[str]()
        sending = threads.submit(_send, http, documents, begun)
        while begun["restarted"] < 4 * A_BULK:
            time.sleep(0.05)
        time.sleep(0.2)  # in the middle of a request
        server.process.kill()
        with running(tmp_path, command=(*command, server.url.rpartition(":")[2])):
            sending.result(600)
            print(dict(begun))
            assert begun[DEAD_LETTERS] > 0
            assert begun["restarted"] > 4 * A_BULK
            assert begun.total() == len(documents)
            stored = _ids_with_impacts(ml_client, "restarted")
            found = {one["id"] for one in letters(ml_client, "restarted")}
            assert stored | found == {one["_id"] for one in documents}
            assert not stored & found
            assert len(stored) == ml_client.count(index="restarted")["count"]
            assert all(one.reason == "" for one in replay(ml_client, "restarted"))
            assert _ids_with_impacts(ml_client, "restarted") == {one["_id"] for one in documents}
            assert letters(ml_client, "restarted") == []


def _send(http: Http, documents: list[dict], begun: Counter[str]) -> None:
    """Send documents in bulks, and count where they went; wait a little after dead letters."""
    for start in range(0, len(documents), A_BULK):
        items = http.bulk("restarted", documents[start : start + A_BULK])
        begun.update(item["_index"] for item in items)
        if items[-1]["_index"] == DEAD_LETTERS:
            time.sleep(1)


def _ids_with_impacts(client: OpenSearch, index: str) -> set[str]:
    client.indices.refresh(index=index)
    body = {"size": 10_000, "query": {"range": {"text_splare.count": {"gt": 0}}}, "_source": False}
    return {hit["_id"] for hit in client.search(index=index, body=body)["hits"]["hits"]}
