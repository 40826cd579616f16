"""OpenSearch 2.19 and Elasticsearch 7.17: the same index, and the same scores to the last bit."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opensearchpy import OpenSearch, helpers

from splare_os.documents.fields import Fields
from splare_os.errors import MappingError
from splare_os.index import BackfillOptions, IngestOptions, backfill, ingest
from splare_os.search import SearchOptions, SplareOpenSearch, search
from tests.hashing import WordEncoder
from tests.servers import ELASTICSEARCH_7, OPENSEARCH_2, running

pytestmark = [pytest.mark.opensearch, pytest.mark.slow]

WORDS = ["oil", "crisis", "price", "war", "the", "of", "embargo", "river"]
ENGLISH = {"analysis.analyzer.english.type": "standard"}
"""The analyzer of our mapping, where a server's zip lacks it."""


@pytest.fixture(
    scope="module", params=[OPENSEARCH_2, ELASTICSEARCH_7], ids=lambda one: one.core.version
)
def older(request: pytest.FixtureRequest) -> Iterator[str]:
    with running(request.param) as url:
        yield url


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()


@pytest.fixture
def source(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    lines = [
        {"_id": f"d{n}", "text": " ".join(rng.choice(WORDS, 1 + n % 9)), "group": n % 2}
        for n in range(60)
    ]
    path = tmp_path / "docs.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def scores(reply: dict[str, Any]) -> dict[str, float]:
    return {hit["_id"]: hit["_score"] for hit in reply["hits"]["hits"]}


@pytest.mark.parametrize("scoring", ["calibrated", "dot"])
def test_documents_are_indexed_and_score_as_on_the_newest_server(  # noqa: PLR0913, PLR0917
    older: str, cluster_url: str, encoder: WordEncoder, source: str, tmp_path: Path, scoring: str
) -> None:
    index, found = f"older-{scoring}", []
    for url in (older, cluster_url):
        with SplareOpenSearch(url, encoder=encoder, scoring=scoring, timeout=60) as client:
            client.indices.delete(index=index, params={"ignore_unavailable": "true"})
            options = IngestOptions(
                index, scoring=scoring, state_folder=tmp_path / url[-4:], settings=ENGLISH
            )
            outcomes = list(ingest(client, encoder, [source], options))
            assert {outcome.status for outcome in outcomes} == {"indexed"}
            again = list(ingest(client, encoder, [source], options))
            assert not {outcome.status for outcome in again} - {"unchanged"}
            clause = {"splare": {"text": "the oil embargo"}}
            filtered = {"bool": {"must": [clause], "filter": [{"term": {"group": 1}}]}}
            lines = [{"index": index}, {"query": filtered, "size": 60}] * 2
            replies = client.msearch(body=lines)["responses"]
            options_of_search = SearchOptions(scoring=scoring, size=60, explain=True)
            hits = search(client, encoder, index, "the oil embargo", options_of_search)
            selected = {"splare": {"text": {"query": "the oil", "min_score": 0.5}}}
            found.append(
                (
                    scores(client.search(index=index, body={"query": clause, "size": 60})),
                    [scores(reply) for reply in replies],
                    [(hit.id, hit.score, hit.matches) for hit in hits],
                    client.count(index=index, body={"query": selected})["count"],
                    sorted(
                        hit["_source"]["text_splare"]["digest"]
                        for hit in helpers.scan(client, index=index)
                    ),
                )
            )
    theirs, ours = found
    assert theirs == ours
    assert len(ours[0]) > 20
    assert ours[3] > 0


def test_an_index_that_is_there_gets_its_impacts(
    older: str, encoder: WordEncoder, tmp_path: Path
) -> None:
    with SplareOpenSearch(older, encoder=encoder, timeout=60) as client:
        client.indices.delete(index="app", params={"ignore_unavailable": "true"})
        for name in ("a", "b"):
            client.index(index="app", id=name, body={"body": f"the oil {name}"}, refresh=True)
        options = BackfillOptions("app", Fields("body", None), state_folder=tmp_path)
        outcomes = list(backfill(client, encoder, options))
        assert [outcome.status for outcome in outcomes].count("indexed") == 2
        found = client.search(index="app", body={"query": {"splare": {"body": "oil"}}})
        assert set(scores(found)) == {"a", "b"}


def test_what_a_server_does_not_know_is_refused_by_name(
    older: str, encoder: WordEncoder, source: str, tmp_path: Path
) -> None:
    with OpenSearch(older, timeout=60) as client:
        is_elastic = "distribution" not in client.info()["version"]
        options = IngestOptions("tight", compact=True, settings=ENGLISH, state_folder=tmp_path)
        if not is_elastic:
            outcomes = list(ingest(client, encoder, [source], options))
            assert {outcome.status for outcome in outcomes} == {"indexed"}
            return
        with pytest.raises(MappingError, match="recovery_source_excludes"):
            list(ingest(client, encoder, [source], options))
