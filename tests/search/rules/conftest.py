"""An application's index of two shards, with impacts; its encoder knows that petrol is oil."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from opensearchpy import OpenSearch

from splare_os.index import IngestOptions, ingest
from splare_os.search import SplareOpenSearch
from splare_os.search.rules import LogOptions, Rule, Rules
from tests.hashing import HashEncoder

WORDS = ["oil", "petrol", "crisis", "price", "war", "embargo", "river", "music"]
INDEX = "shop"

Clients = Callable[..., Any]


class Synonyms(HashEncoder):
    """Hashed words, to which petrol is oil."""

    def latent(self, word: str) -> int:
        return super().latent("oil" if word == "petrol" else word)


def rule(**keys: Any) -> Rule:
    """Return a rule on the index, for everybody unless `keys` say otherwise."""
    usual = {"name": "r", "indices": (INDEX,), "fields": ("text",), "window": 20}
    return Rule(**(usual | keys))


def ids(reply: Mapping[str, Any]) -> list[str]:
    return [hit["_id"] for hit in reply["hits"]["hits"]]


def without_ranking(reply: Mapping[str, Any]) -> dict[str, Any]:
    """Return all of a reply that a ranking does not change."""
    hits = {"total": reply["hits"]["total"]}
    return {key: one for key, one in reply.items() if key not in {"took", "profile"}} | {
        "hits": hits
    }


@pytest.fixture(scope="session")
def shop(client: OpenSearch, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("shop")
    rng = np.random.default_rng(1)
    lines = [
        {"_id": f"d{n}", "title": WORDS[n % 8], "text": " ".join(rng.choice(WORDS, 2 + n % 9))}
        | {"year": 1970 + n % 4}
        for n in range(80)
    ]
    (folder / "docs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    settings = {"settings": {"number_of_shards": 2}}
    client.indices.create(index=INDEX, body=settings)
    options = IngestOptions(INDEX, state_folder=folder)
    outcomes = ingest(client, Synonyms(), [str(folder / "docs.jsonl")], options)
    assert {outcome.status for outcome in outcomes} == {"indexed"}
    client.indices.refresh(index=INDEX)
    return INDEX


@pytest.fixture
def ruled(cluster_url: str, shop: str) -> Iterator[Clients]:
    """Open clients with one rule each, a search log if `log` names one."""
    with contextmanager(_opened)(cluster_url) as opened:
        yield opened


def _opened(url: str) -> Iterator[Clients]:
    clients = []

    def open_one(log: LogOptions | None = None, encoder: Any = None, **keys: Any) -> OpenSearch:
        rules = Rules((rule(**keys),), log or LogOptions())
        clients.append(SplareOpenSearch(url, encoder=encoder or Synonyms(), rules=rules))
        return clients[-1]

    yield open_one
    for one in clients:
        one.close()
