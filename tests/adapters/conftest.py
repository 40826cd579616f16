import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest
from opensearchpy import OpenSearch

from splare_os.index import IngestOptions, ingest
from splare_os.search import SplareOpenSearch
from tests.hashing import HashEncoder

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

FRAMEWORKS = {
    "haystack": "haystack",
    "test_langchain.py": "langchain_core",
    "llama_index": "llama_index",
}
collect_ignore = [name for name, module in FRAMEWORKS.items() if find_spec(module) is None]

PAPERS = [
    {"_id": "1", "title": "Prices", "text": "oil price crisis", "year": 1973, "lang": "en"},
    {"_id": "2", "title": "Trade", "text": "oil oil embargo", "year": 1974, "lang": "fr"},
    {"_id": "3", "title": "Water", "text": "river of oil", "year": 1980, "lang": "en"},
    {"_id": "4", "title": "Water", "text": "river war", "year": 1990, "lang": "en"},
]


@pytest.fixture
def splare(cluster_url: str, encoder: HashEncoder) -> Iterator[SplareOpenSearch]:
    with SplareOpenSearch(cluster_url, encoder=encoder) as client:
        yield client


@pytest.fixture
def papers(client: OpenSearch, encoder: HashEncoder, index: str, write: Callable[..., str]) -> str:
    """The name of an index of `PAPERS`."""
    list(ingest(client, encoder, [write(PAPERS)], IngestOptions(index=index)))
    client.indices.refresh(index=index)
    return index
