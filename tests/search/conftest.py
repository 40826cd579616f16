import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from opensearchpy import OpenSearch

from splare_os.encoder import Encoder, Spans
from splare_os.impacts import Impacts, stored
from splare_os.index import IngestOptions, ingest
from splare_os.search import SplareOpenSearch

WORDS = ["oil", "crisis", "price", "war", "the", "of", "embargo", "river"]


@dataclass(frozen=True)
class Library:
    """An index of 60 documents, and the scores that a query must give: dot products."""

    index: str
    encoder: Encoder
    texts: dict[str, str]

    def scores(self, query: str) -> dict[str, float]:
        documents = stored(self.encoder.encode_documents(list(self.texts.values())))
        queries = self.encoder.encode_queries([query])
        products = (documents @ queries.T).toarray()[:, 0]
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
    options = IngestOptions(index="library", state_folder=path.parent)
    assert {outcome.status for outcome in ingest(client, encoder, [str(path)], options)} == {
        "indexed"
    }
    return Library("library", encoder, texts)


@pytest.fixture
def splare(cluster_url: str, encoder: Encoder) -> Iterator[SplareOpenSearch]:
    with SplareOpenSearch(cluster_url, encoder=encoder) as client:
        yield client
