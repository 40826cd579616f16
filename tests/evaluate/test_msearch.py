from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import EvaluationError
from splare_os.evaluate import msearch
from splare_os.evaluate.datasets import read_dataset
from splare_os.evaluate.indexing import indexed
from splare_os.evaluate.msearch import bm25_run, encoder_run
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch


@pytest.fixture
def filled(folder: Path, client: OpenSearch, encoder: HashEncoder, index: str) -> str:
    with indexed(client, encoder, read_dataset(folder, "tiny")):
        return index


def test_runs_in_batches_are_those_of_one_request(
    filled: str, client: OpenSearch, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = {"a": "water", "b": "", "c": "embargo price", "d": "petrol"}
    impacts = encoder.encode_queries(list(queries.values()))
    whole = bm25_run(client, filled, queries, depth=2)
    latent = encoder_run(client, filled, list(queries), impacts, depth=2)
    assert [len(hits) for hits in latent.run.values()] == [2, 0, 1, 1]
    assert [len(whole.took_ms), len(latent.took_ms)] == [4, 4]
    assert all(took >= 0 for took in whole.took_ms)
    monkeypatch.setattr(msearch, "BATCH", 3)
    assert bm25_run(client, filled, queries, depth=2).run == whole.run
    assert encoder_run(client, filled, list(queries), impacts, depth=2).run == latent.run


def test_no_more_than_depth_hits_come_back(filled: str, client: OpenSearch) -> None:
    assert list(bm25_run(client, filled, {"q": "water"}, depth=1).run["q"]) == ["d4"]


def test_a_search_that_fails_is_told(filled: str, client: OpenSearch) -> None:
    words = " ".join(f"w{number}" for number in range(5000))
    with pytest.raises(EvaluationError, match="query 'q': the search failed .*maxClauseCount"):
        bm25_run(client, filled, {"q": words}, depth=1)


def test_a_search_that_not_all_shards_answer_is_no_result(
    filled: str, client: OpenSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = client.msearch

    def as_if_a_shard_were_down(**asked: object) -> object:
        reply = ask(**asked)
        for response in reply["responses"]:
            response["_shards"]["total"] += 1  # neither successful nor failed: it is not there
        return reply

    monkeypatch.setattr(client, "msearch", as_if_a_shard_were_down)
    with pytest.raises(EvaluationError, match="not all of its shards answer"):
        bm25_run(client, filled, {"q": "water"}, depth=1)
