import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from opensearchpy import OpenSearch
from scipy.sparse import csr_array

from splare_os.encoder import Encoder, Spans
from splare_os.impacts import Impacts, prune, stored
from splare_os.index import IngestOptions, ingest
from splare_os.scoring import K1
from splare_os.search import SplareOpenSearch

from .asynchronous import Run, runner

OF_AIOHTTP = [
    "clause/test_builder.py",
    "client/test_async_client.py",
    "client/test_bridge.py",
    "log/test_async_log.py",
]

collect_ignore = [] if find_spec("aiohttp") else OF_AIOHTTP  # an extra brings it

WORDS = ["oil", "crisis", "price", "war", "the", "of", "embargo", "river"]


@dataclass(frozen=True)
class Library:
    """Two indices of the same 60 documents, and the scores that a query must give.

    `index` is calibrated, `plain` keeps impacts as they are.
    """

    index: str
    plain: str
    encoder: Encoder
    texts: dict[str, str]

    def scores(self, query: str) -> dict[str, float]:
        """Return the calibrated scores, from their formula."""
        impacts = self.encoder.encode_documents(list(self.texts.values())).toarray()
        count, n = np.maximum((impacts > 0).sum(axis=0), 1), len(self.texts)
        idf = np.log(1 + (n - count + 0.5) / (count + 0.5))
        whole = self.encoder.encode_whole_queries([query]).toarray()[0]
        weights = csr_array([(whole * np.sqrt(idf)).astype(np.float32)])
        saturated = csr_array((impacts * (K1 + 1) / (impacts + K1)).astype(np.float32))
        return self._products(prune(weights, self.encoder.query_top_k), saturated)

    def dot_products(self, query: str) -> dict[str, float]:
        """Return the scores of plain impacts."""
        documents = self.encoder.encode_documents(list(self.texts.values()))
        return self._products(self.encoder.encode_queries([query]), documents)

    def _products(self, query: Impacts, documents: Impacts) -> dict[str, float]:
        products = (stored(documents) @ query.T).toarray()[:, 0]
        return {
            name: float(score) for name, score in zip(self.texts, products, strict=True) if score
        }


class SpanCounter:
    """An encoder that notes each call of `spans`: how many texts, and whether queries."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder, self.calls = encoder, list[tuple[int, bool]]()
        self.name, self.fingerprint = encoder.name, encoder.fingerprint
        self.n_latents = encoder.n_latents

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        return self.encoder.encode_documents(texts)

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        return self.encoder.encode_queries(texts)

    @property
    def query_top_k(self) -> int:
        return self.encoder.query_top_k

    def encode_whole_queries(self, texts: Sequence[str]) -> Impacts:
        return self.encoder.encode_whole_queries(texts)

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        self.calls.append((len(texts), query))
        return self.encoder.spans(texts, query=query)


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    from tests.models import build_tiny  # torch, which most tests here do without

    built = build_tiny(tmp_path_factory.mktemp("bert"))
    built.save(tmp_path_factory.mktemp("tiny"))
    return built


@pytest.fixture(scope="session")
def library(
    client: OpenSearch, encoder: Encoder, tmp_path_factory: pytest.TempPathFactory
) -> Library:
    rng = np.random.default_rng(0)
    texts = {f"d{n}": " ".join(rng.choice(WORDS, 1 + n % 9)) for n in range(60)}
    path: Path = tmp_path_factory.mktemp("library") / "docs.jsonl"
    lines = [
        {"_id": name, "text": text, "group": int(name[1:]) % 2} for name, text in texts.items()
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for index, scoring in (("library", "calibrated"), ("plain-library", "dot")):
        options = IngestOptions(index, scoring=scoring, state_folder=path.parent)
        outcomes = ingest(client, encoder, [str(path)], options)
        assert {outcome.status for outcome in outcomes} == {"indexed"}
    return Library("library", "plain-library", encoder, texts)


@pytest.fixture
def splare(cluster_url: str, encoder: Encoder) -> Iterator[SplareOpenSearch]:
    with SplareOpenSearch(cluster_url, encoder=encoder) as client:
        yield client


@pytest.fixture
def run(cluster_url: str, encoder: Encoder) -> Run:
    """Run a coroutine with an asynchronous client."""
    return runner(cluster_url, encoder)
