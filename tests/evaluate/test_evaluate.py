from collections.abc import Iterator
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import EncoderError, EvaluationError
from splare_os.evaluate import EvaluateOptions, Result, evaluate
from splare_os.evaluate.dense import PACKAGE
from splare_os.evaluate.runs import fuse
from tests.evaluate.folders import CORPUS, write
from tests.index.hashing import HashEncoder

SPARSE = EvaluateOptions(systems=("bm25", "hash", "hybrid"))


@pytest.fixture
def nowhere() -> Iterator[OpenSearch]:
    """A client of a cluster that is not there."""
    with OpenSearch("http://127.0.0.1:9") as opensearch:
        yield opensearch


def by_system(results: Iterator[Result]) -> dict[str, Result]:
    return {result.system: result for result in results}


@pytest.mark.opensearch
@pytest.mark.usefixtures("index")
def test_each_system_gets_the_figures_counted_by_hand(
    folder: Path, client: OpenSearch, encoder: HashEncoder
) -> None:
    found = by_system(evaluate([folder], encoder, client, SPARSE))
    assert list(found) == ["bm25", "hash", "hybrid"]
    bm25 = found["bm25"]
    assert list(bm25.run["q2"]) == ["d3"]  # "car" finds "Cars"
    assert bm25.to_json() == {
        "dataset": "tiny",
        "system": "bm25",
        "ndcg@10": 1.0,
        "mrr@10": 1.0,
        "recall@100": 1.0,
        "queries": 3,
    }
    # whole words only: no hit for "car"; d4 has "water" twice, 2 × 0.5 × 0.5
    assert found["hash"].run == {"q3": {"d4": 0.5, "d2": 0.25}, "q1": {"d1": 0.5}, "q2": {}}
    assert found["hash"].figures == pytest.approx(dict.fromkeys(bm25.figures, 2 / 3))


@pytest.mark.opensearch
@pytest.mark.usefixtures("index")
def test_hybrid_is_the_fusion_of_the_two_also_on_its_own(
    folder: Path, client: OpenSearch, encoder: HashEncoder
) -> None:
    found = by_system(evaluate([folder], encoder, client, SPARSE))
    (alone,) = evaluate([folder], encoder, client, EvaluateOptions(systems=("hybrid",)))
    assert alone.run == found["hybrid"].run == fuse([found["bm25"].run, found["hash"].run])


@pytest.mark.opensearch
def test_a_query_is_no_answer_to_itself(
    folder: Path, client: OpenSearch, encoder: HashEncoder
) -> None:
    write(folder / "corpus.jsonl", [*CORPUS, {"_id": "q3", "title": "", "text": "water"}])
    options = EvaluateOptions(systems=("bm25", "hash"), keep=False)
    for result in evaluate([folder], encoder, client, options):
        assert set(result.run["q3"]) == {"d2", "d4"}


def test_dense_alone_needs_no_cluster(
    folder: Path, encoder: HashEncoder, nowhere: OpenSearch
) -> None:
    pytest.importorskip(PACKAGE)
    (result,) = evaluate([folder], encoder, nowhere, EvaluateOptions(("dense",), queries=2))
    assert result.queries == 2
    assert result.figures["recall@100"] == 1.0
    assert encoder.batches == []


def test_what_is_wrong_is_known_before_the_first_result(
    folder: Path, tmp_path: Path, encoder: HashEncoder, nowhere: OpenSearch
) -> None:
    with pytest.raises(EvaluationError, match="has no corpus"):
        evaluate([folder, tmp_path], encoder, nowhere, SPARSE)
    with pytest.raises(EncoderError, match="the dense model"):
        evaluate([folder], encoder, nowhere, EvaluateOptions(dense_model=str(tmp_path)))
