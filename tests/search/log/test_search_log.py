"""The log of searches, in a real cluster, and what it does where it cannot write."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import OpenSearch, TransportError

from splare_os.encoder import Encoder
from splare_os.search import SearchLog, SplareOpenSearch
from splare_os.search.log.search_log import SearchLogWriter, search_log_template
from splare_os.search.log.watching import SearchWatch
from splare_os.search.request.request import Request
from splare_os.search.request.rewritten import Rewritten
from tests.search.conftest import Library
from tests.search.log.test_watching import watched

FILE = Path(__file__).parents[3] / "mappings" / "splare-search-log.json"

Logged = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def logged(cluster_url: str, client: OpenSearch, encoder: Encoder, index: str) -> Logged:
    """Run searches with a log, and return what is in it, in order."""

    def run(*searches: Callable[[OpenSearch], object], **options: Any) -> list[dict[str, Any]]:
        log = SearchLog(index=f"{index}-log", **options)
        with SplareOpenSearch(cluster_url, encoder=encoder, search_log=log) as splare:
            for search in searches:
                search(splare)
        if not client.indices.exists(index=log.index):
            return []
        client.indices.refresh(index=log.index)
        hits = client.search(index=log.index, body={"size": 1000})["hits"]["hits"]
        return sorted((hit["_source"] for hit in hits), key=lambda one: str(one["@timestamp"]))

    return run


def test_the_mapping_is_that_file() -> None:
    assert search_log_template() == json.loads(FILE.read_bytes())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"share": 0}, "share=0"),
        ({"share": 1.1}, r"share=1\.1"),
        ({"most_waiting": 0}, "most_waiting=0"),
        ({"every_s": 0}, "every_s=0"),
        ({"hash_key": b"x" * 65}, "at most 64 bytes"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        SearchLog(**options)


@pytest.mark.opensearch
def test_a_search_is_one_document(library: Library, logged: Logged) -> None:
    body = {"query": {"splare": {"text": "oil"}}}
    headers = {"X-Splare-Arm": "latents"}
    found = logged(
        lambda splare: splare.search(index=library.index, body=body, headers=headers),
        lambda splare: splare.search(
            index=library.index, body={"query": {"match": {"text": "zz"}}}
        ),
        lambda splare: splare.search(index=library.index, q="text:oil"),
        keep_texts=True,
    )
    known = search_log_template()["template"]["mappings"]["properties"].keys()
    assert all(one.keys() == known for one in found)
    assert [one["route"] for one in found] == ["splare", "bm25", "bm25"]
    assert [one["query"] for one in found] == ["oil", "zz", "text:oil"]
    assert [one["arm"] for one in found] == ["latents", None, None]
    assert [one["zero_hits"] for one in found] == [False, True, False]
    assert [one["index"] for one in found] == [library.index] * 3
    assert found[0]["total"] > 0
    assert found[0]["whole_ms"] >= found[0]["took_ms"] >= 0


@pytest.mark.opensearch
def test_texts_are_hashed_unless_they_may_be_kept(library: Library, logged: Logged) -> None:
    def search(splare: OpenSearch) -> None:
        splare.search(index=library.index, body={"query": {"match": {"text": "secret"}}})

    (one,) = logged(search, hash_key=b"key")
    assert one["query"] == blake2b(b"secret", digest_size=8, key=b"key").hexdigest()
    assert "secret" not in json.dumps(one)


@pytest.mark.opensearch
def test_each_search_of_several_is_logged_and_all_else_is_not(
    library: Library, logged: Logged
) -> None:
    clause = {"splare": {"text": "oil"}}
    lines = [
        {"index": library.index},
        {"query": clause},
        {"index": "no-such-index"},
        {"query": {"match_all": {}}},
        {},
        {"query": {"match": {"text": "river"}}},
    ]
    found = logged(
        lambda splare: splare.msearch(index=library.index, body=lines),
        lambda splare: splare.count(index=library.index),
        lambda splare: splare.cluster.health(),
    )
    assert sorted(one["route"] for one in found) == ["bm25", "splare"]  # the third failed
    assert {one["index"] for one in found} == {library.index}


@pytest.mark.opensearch
def test_a_share_of_searches_is_drawn(
    library: Library, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([0.2, 0.7, 0.4])
    monkeypatch.setattr("splare_os.search.log.watching.random.random", lambda: next(drawn))

    def search(splare: OpenSearch) -> None:
        splare.search(index=library.index, body={"query": {"match_all": {}}})

    found = logged(search, search, search, share=0.5)
    assert [one["share"] for one in found] == [0.5, 0.5]


@pytest.mark.opensearch
def test_a_log_that_cannot_be_written_fails_no_search_and_is_told_once(
    library: Library,
    cluster_url: str,
    encoder: Encoder,
    client: OpenSearch,
    index: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    name = f"{index}-log"
    client.indices.create(index=name, body={"settings": {"index.blocks.write": True}})
    log = SearchLog(index=name, every_s=0.01)
    with SplareOpenSearch(cluster_url, encoder=encoder, search_log=log) as splare:
        for _ in range(5):
            reply = splare.search(index=library.index, body={"query": {"splare": {"text": "oil"}}})
            assert reply["hits"]["hits"]
            time.sleep(0.05)
        writer = splare.transport.search_watch.writer
    assert (writer.written, writer.dropped) == (0, 5)
    assert caplog.text.count("searches are missing in") == 1


class Stalled:
    """A client whose cluster does not answer until it is let."""

    def __init__(self) -> None:
        self.let, self.asked = threading.Event(), threading.Event()
        self.indices = self
        self.transport = type("Transport", (), {"serializer": None})()

    def get_mapping(self, **_: Any) -> dict[str, Any]:
        return {"splare-search-log": {"mappings": {}}}

    def bulk(self, **_: Any) -> dict[str, Any]:
        self.asked.set()
        self.let.wait(30)
        raise TransportError(503, "stalled")


@pytest.fixture
def stalled() -> Iterator[Stalled]:
    client = Stalled()
    yield client
    client.let.set()


BODY = {"query": {"match": {"text": "oil"}}}
REPLY = {"took": 1, "hits": {"total": {"value": 0}, "hits": []}}


def searched(watch: SearchWatch, body: Any = BODY) -> Any:
    request = Request("POST", "/papers/_search", {"body": body})
    return watched(watch, request, lambda _: (Rewritten(None, body), REPLY))


def test_a_cluster_that_stalls_holds_no_search_up_and_what_does_not_fit_is_counted(
    stalled: Stalled, caplog: pytest.LogCaptureFixture
) -> None:
    writer = SearchLogWriter(stalled, SearchLog(most_waiting=3, every_s=0.01))  # type: ignore[arg-type]
    watch = SearchWatch(writer)
    with caplog.at_level(logging.WARNING):
        begun = time.perf_counter()
        searched(watch)
        assert stalled.asked.wait(10)
        for _ in range(10):
            assert searched(watch) is REPLY
        assert time.perf_counter() - begun < 10  # the cluster has answered nothing yet
    assert writer.dropped == 7
    assert caplog.text.count("more than 3 wait") == 1
    stalled.let.set()
    writer.close()
    assert (writer.written, writer.dropped) == (0, 11)


@pytest.mark.parametrize("keep_texts", [True, False])
def test_a_query_that_is_no_text_in_utf_8_fails_no_search(
    stalled: Stalled, *, keep_texts: bool
) -> None:
    writer = SearchLogWriter(stalled, SearchLog(keep_texts=keep_texts))  # type: ignore[arg-type]
    assert searched(SearchWatch(writer), {"query": {"match": {"text": "\ud800"}}}) is REPLY
    assert writer.dropped == 1
