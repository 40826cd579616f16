"""The log of searches of an asynchronous client, in a real cluster."""

import asyncio
from typing import Any

import pytest
from opensearchpy import AsyncTransport, OpenSearch, TransportError

from splare_os.search import AsyncSplareOpenSearch as Client
from splare_os.search import SearchLog
from splare_os.search.rules import LogOptions, Rule, Rules

from ..asynchronous import Run, our_threads
from ..conftest import Library

pytestmark = pytest.mark.opensearch

QUERY = "the oil embargo"
BODY = {"query": {"splare": {"text": QUERY}}, "size": 5}


def logged(client: OpenSearch, log: SearchLog) -> list[dict[str, Any]]:
    client.indices.refresh(index=log.index)
    hits = client.search(index=log.index, body={"size": 100})["hits"]["hits"]
    return sorted((hit["_source"] for hit in hits), key=lambda one: str(one["@timestamp"]))


def test_its_searches_are_logged_once_each_with_route_and_arm(
    run: Run, client: OpenSearch, library: Library, index: str
) -> None:
    log = SearchLog(index=f"{index}-log", keep_texts=True, every_s=0.05)
    rule = Rule("r", ("library",), ("text",), mode="hybrid", percentage=50, header="x-user")

    async def use(ours: Client) -> None:
        headers = {"X-Splare-Arm": "latents"}
        await ours.search(index="library", body=BODY, headers=headers)
        searches = [{"index": "library"}, BODY, {"index": "nowhere"}, {"query": {"match_all": {}}}]
        await ours.msearch(body=searches)
        await ours.count(index="library")
        words = {"query": {"match": {"text": "oil"}}}
        asked = (
            ours.search(index="library", body=words, headers={"x-user": f"user-{n}"})
            for n in range(8)
        )
        await asyncio.gather(*asked)

    run(use, search_log=log, rules=Rules((rule,), LogOptions()))
    first, second, *ruled = logged(client, log)
    assert (first["query"], first["route"], first["arm"]) == (QUERY, "splare", "latents")
    assert (second["query"], second["route"], second["arm"]) == (QUERY, "splare", None)
    assert first["whole_ms"] >= first["took_ms"] >= 0
    told = [(one["arm"], one["route"]) for one in ruled]
    assert len(told) == 8
    assert set(told) == {("control", "bm25"), ("treatment", "hybrid")}


class Stalling(AsyncTransport):
    """Takes its time for what is written, and notes what waits for that."""

    waiting = 0

    async def perform_request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        if url == "/_bulk":
            self.waiting += 1
            await asyncio.sleep(1)
            raise TransportError(503, "stalled")
        return await super().perform_request(method, url, *args, **kwargs)


def test_a_log_that_stalls_and_fails_is_in_no_searchs_way(
    run: Run, library: Library, index: str, caplog: pytest.LogCaptureFixture
) -> None:
    log, found = SearchLog(index=f"{index}-log", every_s=0.01), []

    async def use(ours: Client) -> None:
        transport: Any = ours.transport
        found.append(transport.search_watch.writer)
        await ours.search(index="library", body=BODY)
        while not transport.waiting:
            await asyncio.sleep(0.01)
        written = found[0].dropped
        for _ in range(3):
            assert (await ours.search(index="library", body=BODY))["hits"]["hits"]
        assert found[0].dropped == written == 0  # the first is still on its way

    run(use, search_log=log, transport_class=Stalling)
    assert (found[0].written, found[0].dropped) == (0, 4)
    assert caplog.text.count("searches are missing in") == 1


def test_a_loop_that_ends_before_its_client_leaves_the_log_unwritten_and_no_error(
    cluster_url: str, library: Library, index: str
) -> None:
    log = SearchLog(index=f"{index}-log", every_s=0.5)

    async def use() -> Any:
        ours = Client(cluster_url, encoder=library.encoder, search_log=log)
        await ours.search(index="library", body=BODY)
        await AsyncTransport.close(ours.transport)  # connections alone
        await ours.transport.bridge.close()
        return ours.transport.search_watch.writer

    writer = asyncio.run(use())
    writer.close()
    assert (writer.written, writer.dropped) == (0, 1)
    assert our_threads() == []
