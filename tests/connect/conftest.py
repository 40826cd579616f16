import gzip
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
import urllib3
from opensearchpy import OpenSearch

from splare_os.cluster.ports import choose_port
from splare_os.connect import Route, connect
from splare_os.connect.route import find_route
from splare_os.documents import Fields
from splare_os.layout.mapping import ensure_index
from splare_os.layout.pipeline import DEAD_LETTERS
from splare_os.layout.records import find_impacts
from tests.hashing import HashEncoder
from tests.ml_cluster import ml_cluster
from tests.serve.serving import Server, running

numbers = itertools.count()
SAMPLE = Path(__file__).parents[2] / "splare_os" / "samples" / "squad-dev.jsonl.gz"


class Http:
    """Plain HTTP, as any language has it."""

    def __init__(self, url: str) -> None:
        self.url, self.pool = url, urllib3.PoolManager(retries=False, timeout=600.0)

    def __call__(self, method: str, path: str, content: object = None) -> tuple[int, dict]:
        body = content if isinstance(content, bytes | None) else orjson.dumps(content)
        headers = {"content-type": "application/json"}
        reply = self.pool.request(method, self.url + path, body=body, headers=headers)
        return reply.status, orjson.loads(reply.data)

    def bulk(self, index: str, documents: list[dict]) -> list[dict]:
        """Return the items of a bulk request of whole documents."""
        lines = []
        for document in documents:
            lines.append({"index": {"_id": document["_id"]}})
            lines.append({key: value for key, value in document.items() if key != "_id"})
        body = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        status, reply = self("POST", f"/{index}/_bulk?refresh=true", body)
        assert status == 200, reply
        return [item["index"] for item in reply["items"]]


@pytest.fixture(scope="session")
def ml_url() -> Iterator[str]:
    """The address of one OpenSearch with ml-commons."""
    with ml_cluster() as url:
        yield url


@pytest.fixture(scope="session")
def ml_client(ml_url: str) -> Iterator[OpenSearch]:
    with OpenSearch(ml_url, timeout=120) as client:
        yield client


@pytest.fixture(scope="session")
def http(ml_url: str) -> Http:
    return Http(ml_url)


@pytest.fixture(scope="session")
def mini_command(ml_url: str) -> tuple[str, ...]:
    """The command of a server of mini, at one port however often it is started.

    In float32: in bfloat16 impacts depend on the batch that a text is encoded in.
    """
    at = ("--port", str(choose_port(None)), "--url", ml_url)
    return ("-m", "splare_os", "serve", "--model", "mini", "--dtype", "float32", *at)


@pytest.fixture(scope="session")
def mini_server(
    tmp_path_factory: pytest.TempPathFactory, mini_command: tuple[str, ...]
) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("mini"), command=mini_command) as server:
        yield server


@pytest.fixture(scope="session")
def route(ml_client: OpenSearch, mini_server: Server) -> Route:
    """The route from the index `native` to a server of mini."""
    found = find_route(ml_client, "native", Fields(), mini_server.url)
    connect(ml_client, found, sets_cluster=True)
    return found


@pytest.fixture
def fake_route(ml_client: OpenSearch) -> Callable[[str], Route]:
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
    """Return the dead letters of an index, 10,000 at most."""
    client.indices.refresh(index=DEAD_LETTERS, params={"ignore_unavailable": "true"})
    query = {"query": {"term": {"index": index}}, "size": 10_000}
    found = client.search(index=f"{DEAD_LETTERS}*", body=query)
    return [hit["_source"] for hit in found["hits"]["hits"]]


@pytest.fixture(scope="session")
def sample() -> list[dict]:
    """The documents that ship with the package."""
    return [json.loads(line) for line in gzip.decompress(SAMPLE.read_bytes()).splitlines()]
