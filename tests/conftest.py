import gzip
import itertools
import json
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.cluster import EmbeddedCluster
from splare_os.index import set_testing
from tests.hashing import HashEncoder

numbers = itertools.count()


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    """The address of one OpenSearch for all tests that don't need their own."""
    # the second compiler costs half of the start-up and pays back only after minutes
    with EmbeddedCluster(heap_mb=512, jvm_options=["-XX:TieredStopAtLevel=1"]) as url:
        yield url


@pytest.fixture(scope="session")
def client(cluster_url: str) -> Iterator[OpenSearch]:
    """A client of that OpenSearch; tests choose index names of their own."""
    with OpenSearch(cluster_url, timeout=60) as opensearch:
        yield opensearch


@pytest.fixture
def four_tries() -> Iterator[None]:
    """What fails is tried four times, without a pause."""
    with set_testing(most_tries=4):
        yield


@pytest.fixture
def hangups_heard() -> Iterator[None]:
    """Processes that are started hear of a hangup, though the tests were run by nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder()


@pytest.fixture
def index(client: OpenSearch) -> Iterator[str]:
    """The name of an index that does not exist, and is gone afterwards."""
    name = f"ingest-{next(numbers)}"
    yield name
    client.indices.delete(index=f"{name}*", params={"ignore_unavailable": "true"})


@pytest.fixture
def with_one_down(client: OpenSearch, index: str) -> Callable[[str], str]:
    """Give the name of an index and of another, of the same mappings, whose shard is down."""

    def named(whole: str) -> str:
        (body,) = client.indices.get_mapping(index=whole).values()
        settings = {"index.routing.allocation.require._name": "nowhere"}
        params = {"wait_for_active_shards": "0"}
        client.indices.create(
            index=f"{index}-down", body=body | {"settings": settings}, params=params
        )
        return f"{whole},{index}-down"

    return named


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write documents (or raw lines) as JSON Lines, gzipped if the name says so."""

    def write_lines(lines: Iterable[object], name: str = "docs.jsonl") -> str:
        raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        data = b"".join(line + b"\n" for line in raw)
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(path)

    return write_lines
