from collections.abc import Iterator

import pytest
from opensearchpy import OpenSearch

from splare_os.cluster import EmbeddedCluster


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
