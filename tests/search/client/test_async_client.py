"""The asynchronous client against a real server: the same as the synchronous one, off the loop."""

import asyncio
import time
from contextvars import ContextVar
from typing import Any

import pytest
from opensearchpy import AsyncTransport, NotFoundError, OpenSearch, Q, RequestError
from opensearchpy._async.helpers.search import AsyncSearch
from opensearchpy.exceptions import OpenSearchWarning
from opensearchpy.helpers import async_scan, async_streaming_bulk

from splare_os.encoder import Encoder
from splare_os.errors import MappingError, ModelMismatchError
from splare_os.index import IngestOptions, ingest
from splare_os.search import AsyncSplareOpenSearch as Client
from splare_os.search import SplareOpenSearch
from tests.hashing import HashEncoder

from ..asynchronous import Run, Slow, our_threads
from ..conftest import Library

pytestmark = pytest.mark.opensearch

QUERY = "the oil embargo"
CLAUSE = {"splare": {"text": QUERY}}
BODY = {"query": CLAUSE, "size": 5}


def scores(reply: dict[str, Any]) -> dict[str, float]:
    return {hit["_id"]: hit["_score"] for hit in reply["hits"]["hits"]}


@pytest.fixture
def expected(splare: SplareOpenSearch, library: Library) -> dict[str, float]:
    return scores(splare.search(index="library", body=BODY))


def test_every_way_to_search_is_served(
    run: Run, splare: SplareOpenSearch, library: Library, expected: dict[str, float]
) -> None:
    async def use(client: Client) -> None:
        assert scores(await client.search(index="library", body=BODY)) == expected
        searches = [{"index": "library"}, BODY, {"index": "library"}, {}]
        replies = (await client.msearch(body=searches))["responses"]
        assert scores(replies[0]) == expected
        assert "impacts" not in replies[1]["hits"]["hits"][0]["_source"]["text_splare"]
        built = AsyncSearch(using=client, index="library").query(Q("splare", text=QUERY))[:5]
        assert scores((await built.execute()).to_dict()) == expected
        scanned = [hit async for hit in async_scan(client, index="library", query=BODY)]
        assert {hit["_id"] for hit in scanned} == set(library.scores(QUERY))
        assert all("impacts" in hit["_source"]["text_splare"] for hit in scanned)
        point = (await client.create_pit(index="library", keep_alive="1m"))["pit_id"]
        paged = await client.search(body={**BODY, "pit": {"id": point}})
        assert scores(paged) == expected
        clause = {"splare": {"text": {"query": QUERY, "min_score": 0.001}}}
        counted = await client.count(index="library", body={"query": clause})
        assert counted["count"] == len(library.scores(QUERY))
        name = next(iter(expected))
        explained = await client.explain(index="library", id=name, body={"query": CLAUSE})
        assert explained["explanation"]["value"] == pytest.approx(expected[name])

    run(use)


def test_what_the_synchronous_client_refuses_is_refused_alike(
    run: Run, splare: SplareOpenSearch, library: Library
) -> None:
    searches = [
        {"index": "library", "body": {"post_filter": CLAUSE}},
        {"index": "library", "body": {"query": {"splare": {"body": "oil"}}}},
        {"index": "nowhere", "body": BODY},
        {"index": "library", "body": "no JSON"},
        {"index": "other:library", "body": BODY},
        {"index": "library", "body": {"query": {"splare": {"text": {"query": "a", "x": 1}}}}},
    ]
    kinds = (ValueError, MappingError, NotFoundError, RequestError)
    errors = []
    for search in searches:
        with pytest.raises(kinds) as raised:
            splare.search(**search)
        errors.append(raised.value)

    async def use(client: Client) -> None:
        for search, error in zip(searches, errors, strict=True):
            with pytest.raises(type(error)) as raised:
                await client.search(**search)
            assert str(raised.value) == str(error)
        reply = await client.search(index="nowhere", body=BODY, params={"ignore": 404})
        assert reply["status"] == 404

    run(use)


def test_options_are_those_of_the_synchronous_client(
    run: Run, library: Library, client: OpenSearch, index: str, expected: dict[str, float]
) -> None:
    client.indices.create(index=index)

    async def use(ours: Client) -> None:
        names = f"library,{index}"
        with pytest.warns(OpenSearchWarning, match=f"no impacts of 'text' in {index}"):
            assert scores(await ours.search(index=names, body=BODY)) == pytest.approx(expected)

    run(use, missing_impacts="skip", dialect="neural_sparse")

    async def dot(ours: Client) -> None:
        found = await ours.search(index=library.plain, body={"query": CLAUSE, "size": 60})
        assert scores(found) == pytest.approx(library.dot_products(QUERY), rel=1e-5)

    run(dot, scoring="dot", timeout=30, max_retries=1)

    async def other(ours: Client) -> None:
        with pytest.raises(ModelMismatchError):
            await ours.search(index="library", body=BODY)

    run(other, encoder=HashEncoder())
    with pytest.raises(ValueError, match="missing_impacts='drop'"):
        Client(missing_impacts="drop")


def test_the_loop_goes_on_while_queries_are_encoded_and_those_that_wait_go_in_one_batch(
    run: Run, library: Library, encoder: Encoder
) -> None:
    slow = Slow(encoder)
    texts = [f"oil {word}" for word in ("war", "price", "river", "crisis", "embargo", "of")]

    async def use(client: Client) -> list[float]:
        await client.search(index="library", body={"query": {"match_all": {}}})
        ticks, is_done = [time.monotonic()], False

        async def tick() -> None:
            while not is_done:
                await asyncio.sleep(0.005)
                ticks.append(time.monotonic())

        ticking = asyncio.create_task(tick())
        bodies = [{"query": {"splare": {"text": text}}, "size": 60} for text in texts]
        replies = await asyncio.gather(
            *(client.search(index="library", body=body) for body in bodies)
        )
        is_done = True
        await ticking
        for text, reply in zip(texts, replies, strict=True):
            assert scores(reply)
            again = await client.search(
                index="library", body={"query": {"splare": {"text": text}}, "size": 60}
            )
            assert scores(again) == scores(reply)
        return [after - before for before, after in zip(ticks, ticks[1:], strict=False)]

    pauses = run(use, encoder=slow)
    assert len(slow.asked) == 2  # the first, and all that came meanwhile
    assert sorted(sum(slow.asked, [])) == sorted(texts)
    assert all(name.startswith("splare") for name in slow.threads)
    assert max(pauses) < slow.pause_s / 2
    assert len(pauses) > 2 * slow.pause_s / 0.05


def test_what_is_no_search_has_no_thread(run: Run, library: Library, index: str) -> None:
    async def use(client: Client) -> None:
        await client.info()
        await client.index(index=index, id="1", body={"text": "the oil"}, refresh=True)
        lines = ({"_index": index, "_id": str(n), "text": "the war"} for n in range(5))
        assert [done async for done, _ in async_streaming_bulk(client, lines)] == [True] * 5
        assert (await client.get(index=index, id="1"))["_source"]["text"] == "the war"
        assert our_threads() == []
        await client.search(index=index)
        assert len(our_threads()) == 1

    run(use)


def test_an_application_may_have_a_transport_of_its_own(
    run: Run, library: Library, expected: dict[str, float]
) -> None:
    tenant: ContextVar[str] = ContextVar("tenant")

    class Own(AsyncTransport):
        paths: list[tuple[str, str]] = []

        async def perform_request(self, method: str, url: str, *rest: Any, **kwargs: Any) -> Any:
            Own.paths.append((url, tenant.get()))
            return await super().perform_request(method, url, *rest, **kwargs)

    async def use(client: Client) -> None:
        tenant.set("ann")
        assert scores(await client.search(index="library", body=BODY)) == expected

    run(use, transport_class=Own)
    assert Own.paths == [
        ("/library/_mapping", "ann"),
        ("/.splare-statistics/_mget", "ann"),
        ("/library/_search", "ann"),
    ]


def test_an_error_of_one_query_is_its_own(
    run: Run, library: Library, index: str, write, client, tmp_path
) -> None:
    source = write([{"_id": "x", "text": "the oil embargo"}])
    list(ingest(client, HashEncoder(), [source], IngestOptions(index, state_folder=tmp_path)))

    async def use(ours: Client) -> None:
        texts = ["oil", "xyzzy", "the embargo", "oil embargo"]
        bodies = [{"query": {"splare": {"text": text}}} for text in texts]
        found = await asyncio.gather(
            *(ours.search(index=index, body=body) for body in bodies), return_exceptions=True
        )
        assert [isinstance(one, ValueError) for one in found] == [False, True, False, False]
        assert all(scores(one) for one in found if isinstance(one, dict))

    run(use, encoder=HashEncoder())


def test_an_alias_that_moves_to_another_model_is_noticed_at_once(
    run: Run, client: OpenSearch, index: str, tmp_path, write, library: Library
) -> None:
    source = write([{"_id": "x", "text": "the oil embargo"}])
    list(ingest(client, HashEncoder(), [source], IngestOptions(index, state_folder=tmp_path)))
    client.indices.put_alias(index="library", name="async-shelf")

    async def use(ours: Client) -> None:
        assert scores(await ours.search(index="async-shelf", body=BODY))
        moves = [
            {"remove": {"index": "library", "alias": "async-shelf"}},
            {"add": {"index": index, "alias": "async-shelf"}},
        ]
        client.indices.update_aliases(body={"actions": moves})
        with_all = {"query": {"bool": {"should": [CLAUSE, {"match_all": {}}]}}}
        with pytest.raises(ModelMismatchError):
            await ours.search(index="async-shelf", body=with_all)

    run(use)
