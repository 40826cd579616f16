import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import urllib3
from opensearchpy import OpenSearch

from splare_os.cluster.resources import choose_port
from tests.ml_cluster import ml_cluster
from tests.serve.serving import Server, running

SAMPLE = Path(__file__).parents[2] / "splare_os" / "samples" / "squad-dev.jsonl.gz"


class Http:
    """Plain HTTP, as any language has it."""

    def __init__(self, url: str) -> None:
        self.url, self.pool = url, urllib3.PoolManager(retries=False, timeout=300.0)

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
    """The command of a server of mini, at one port however often it is started."""
    port = str(choose_port(None))
    return ("-m", "splare_os", "serve", "--model", "mini", "--port", port, "--url", ml_url)


@pytest.fixture(scope="session")
def mini_server(
    tmp_path_factory: pytest.TempPathFactory, mini_command: tuple[str, ...]
) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("mini"), command=mini_command) as server:
        yield server


@pytest.fixture(scope="session")
def sample() -> list[dict]:
    """The documents that ship with the package."""
    return [json.loads(line) for line in gzip.decompress(SAMPLE.read_bytes()).splitlines()]
