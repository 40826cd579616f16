"""Threads of an asynchronous client: cancelled, failed, closed, with a real server behind."""

import asyncio
import os
import signal
import time
from typing import Any

import pytest
from opensearchpy import AsyncTransport

from splare_os.encoder import Encoder
from splare_os.search import AsyncSplareOpenSearch as Client
from splare_os.search import SplareOpenSearch
from splare_os.search.client.bridge import Bridge, BridgedTransport

from ..asynchronous import Run, Slow, our_threads
from ..conftest import Library

pytestmark = pytest.mark.opensearch

QUERY = "the oil embargo"
BODY = {"query": {"splare": {"text": QUERY}}, "size": 5}


def scores(reply: dict[str, Any]) -> dict[str, float]:
    return {hit["_id"]: hit["_score"] for hit in reply["hits"]["hits"]}


@pytest.fixture
def expected(splare: SplareOpenSearch, library: Library) -> dict[str, float]:
    return scores(splare.search(index="library", body=BODY))


def test_a_cancelled_search_ends_at_once_and_leaves_nothing(
    run: Run, library: Library, encoder: Encoder, expected: dict[str, float]
) -> None:
    slow = Slow(encoder, 1.0)

    async def use(client: Client) -> None:
        searching = asyncio.create_task(client.search(index="library", body=BODY))
        while not slow.is_in.is_set():
            await asyncio.sleep(0.01)
        start = time.monotonic()
        searching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await searching
        assert time.monotonic() - start < 0.5
        assert scores(await client.search(index="library", body=BODY)) == pytest.approx(expected)
        assert slow.asked == [[QUERY]]  # what was encoded for nobody is remembered
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(
                client.search(index="library", body={"query": {"splare": {"text": "another"}}}), 0.1
            )

    run(use, encoder=slow)


def test_a_question_that_hangs_is_cancelled_with_its_search(run: Run, library: Library) -> None:
    class Hanging(AsyncTransport):
        cancelled: list[str] = []

        async def perform_request(self, method: str, url: str, *rest: Any, **kwargs: Any) -> Any:
            if url.endswith("_mapping"):
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    Hanging.cancelled.append(url)
                    raise
            return await super().perform_request(method, url, *rest, **kwargs)

    async def cancel(client: Client) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.search(index="library", body=BODY), 0.3)

    run(cancel, transport_class=Hanging)
    assert Hanging.cancelled == ["/library/_mapping"]
    left: list[asyncio.Task[Any]] = []

    async def close(client: Client) -> None:
        left.append(asyncio.create_task(client.search(index="library", body=BODY)))
        await asyncio.sleep(0.3)

    async def main(client: Client) -> None:
        await close(client)
        await client.close()
        with pytest.raises(asyncio.CancelledError):
            await left[0]

    run(main, transport_class=Hanging)
    assert Hanging.cancelled == ["/library/_mapping"] * 2


def test_a_client_may_be_used_again_after_it_was_closed(
    run: Run, library: Library, expected: dict[str, float]
) -> None:
    async def use(client: Client) -> None:
        for _ in range(2):
            assert scores(await client.search(index="library", body=BODY)) == expected
            await client.close()
            assert our_threads() == []

    run(use)


def test_a_client_whose_close_was_cancelled_may_be_closed_once_more(
    run: Run, library: Library, encoder: Encoder
) -> None:
    slow = Slow(encoder, 1.0)

    async def use(client: Client) -> None:
        searching = asyncio.create_task(client.search(index="library", body=BODY))
        while not slow.is_in.is_set():
            await asyncio.sleep(0.01)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.close(), 0.1)
        assert our_threads()
        await client.close()
        assert our_threads() == []
        await asyncio.wait([searching])

    run(use, encoder=slow)


def test_who_goes_on_whatever_fails_does_not_go_on_when_cancelled() -> None:
    went_on: list[Exception] = []

    async def hang(*_: Any, **__: Any) -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        bridge = Bridge(hang)
        transport = BridgedTransport([], bridge=bridge)

        def ask() -> None:
            try:
                transport.perform_request("GET", "/")
            except Exception as error:  # noqa: BLE001
                went_on.append(error)

        for _ in range(2):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(bridge.run(ask), 0.1)
        await bridge.close()

    asyncio.run(main())
    assert went_on == []


def test_a_question_outside_of_the_clients_work_has_nobody_to_ask() -> None:
    with pytest.raises(LookupError):
        BridgedTransport([], bridge=None).perform_request("GET", "/")  # type: ignore[arg-type]


def test_a_child_of_a_fork_has_threads_of_its_own() -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        """Answer no request."""

    bridge = Bridge(nothing)

    async def work() -> int:
        return await bridge.run(os.getpid)

    assert asyncio.run(work()) == os.getpid()
    if (child := os.fork()) == 0:
        signal.alarm(20)
        os._exit(0 if asyncio.run(work()) == os.getpid() else 1)
    assert os.waitpid(child, 0)[1] == 0
    asyncio.run(bridge.close())
