import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import EncoderError, EvaluationError
from splare_os.evaluate import EvaluateOptions, Result, evaluate
from splare_os.evaluate.datasets import read_dataset
from splare_os.evaluate.dense import PACKAGE
from splare_os.evaluate.indexing import index_name
from splare_os.evaluate.runs import fuse
from tests.evaluate.folders import CORPUS, save_folder, write
from tests.index.hashing import HashEncoder

SPARSE = EvaluateOptions(systems=("bm25", "hash", "hybrid"))


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder(n_latents=1 << 16)


@pytest.fixture
def index(folder: Path, client: OpenSearch, encoder: HashEncoder) -> Iterator[str]:
    """The name of the index for `folder`, gone before and after."""
    name = index_name(read_dataset(folder, "tiny"), encoder)
    client.indices.delete(index=name, ignore_unavailable=True)
    yield name
    client.indices.delete(index=name, ignore_unavailable=True)


def by_system(results: Iterator[Result]) -> dict[str, Result]:
    return {result.system: result for result in results}


@pytest.mark.opensearch
def test_each_system_gets_the_figures_counted_by_hand(
    folder: Path, client: OpenSearch, encoder: HashEncoder, index: str
) -> None:
    found = by_system(evaluate([folder], encoder, client, SPARSE))
    assert list(found) == ["bm25", "hash", "hybrid"]
    bm25 = found["bm25"]
    assert bm25.run["q2"] == {"d3": pytest.approx(bm25.run["q2"]["d3"])}  # "car" finds "Cars"
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
def test_hybrid_is_the_fusion_of_the_two_also_on_its_own(
    folder: Path, client: OpenSearch, encoder: HashEncoder, index: str
) -> None:
    found = by_system(evaluate([folder], encoder, client, SPARSE))
    (alone,) = evaluate([folder], encoder, client, EvaluateOptions(systems=("hybrid",)))
    assert alone.run == found["hybrid"].run == fuse([found["bm25"].run, found["hash"].run])


@pytest.mark.opensearch
def test_a_second_time_uses_the_index_again(
    folder: Path,
    client: OpenSearch,
    encoder: HashEncoder,
    index: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    options = EvaluateOptions(systems=("bm25",))
    first = list(evaluate([folder], encoder, client, options))
    assert f"fill index={index} documents=4" in caplog.messages
    encoder.batches.clear()
    assert list(evaluate([folder], encoder, client, options)) == first
    assert encoder.batches == []
    assert f"reuse index={index} documents=4" in caplog.messages
    list(evaluate([folder], encoder, client, EvaluateOptions(systems=("bm25",), keep=False)))
    assert not client.indices.exists(index=index)


@pytest.mark.opensearch
def test_an_index_that_lacks_documents_is_filled(
    folder: Path, client: OpenSearch, encoder: HashEncoder, index: str
) -> None:
    latent = EvaluateOptions(systems=("hash",))
    first = list(evaluate([folder], encoder, client, latent))
    client.delete(index=index, id="d1")
    assert list(evaluate([folder], encoder, client, latent)) == first


@pytest.mark.opensearch
def test_a_document_that_the_cluster_refuses_is_told(
    folder: Path,
    client: OpenSearch,
    encoder: HashEncoder,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refused = {"_id": "d5", "text": "water", "text_splare": 1}
    write(folder / "corpus.jsonl", [*CORPUS, refused])
    options = EvaluateOptions(systems=("bm25",), keep=False)
    (result,) = evaluate([folder], encoder, client, options)
    assert "lacks 1 of 5 documents, so figures are too low" in caplog.text
    assert result.figures["recall@100"] == 1.0


def test_another_corpus_or_model_has_another_index(
    folder: Path, tmp_path: Path, encoder: HashEncoder
) -> None:
    data = read_dataset(folder, "Tiny/de")
    assert index_name(data, encoder).startswith("splare-eval-tiny-de-")
    other = save_folder(tmp_path / "other")
    write(other / "corpus.jsonl", CORPUS[:3])
    found = {
        index_name(data, encoder),
        index_name(data, HashEncoder(fingerprint="f" * 16)),
        index_name(read_dataset(other, "Tiny/de"), encoder),
    }
    assert len(found) == 3


@pytest.mark.opensearch
def test_a_query_is_no_answer_to_itself(
    folder: Path, client: OpenSearch, encoder: HashEncoder
) -> None:
    write(folder / "corpus.jsonl", [*CORPUS, {"_id": "q3", "title": "", "text": "water"}])
    options = EvaluateOptions(systems=("bm25", "hash"), keep=False)
    for result in evaluate([folder], encoder, client, options):
        assert set(result.run["q3"]) == {"d2", "d4"}


@pytest.mark.opensearch
def test_a_search_that_fails_is_told(
    folder: Path, client: OpenSearch, encoder: HashEncoder
) -> None:
    words = " ".join(f"w{number}" for number in range(5000))
    write(folder / "queries.jsonl", [{"_id": name, "text": words} for name in ("q1", "q2", "q3")])
    options = EvaluateOptions(systems=("bm25",), keep=False)
    with pytest.raises(EvaluationError, match="query 'q3': the search failed .*maxClauseCount"):
        list(evaluate([folder], encoder, client, options))


def test_what_is_wrong_is_known_before_the_first_result(
    folder: Path, tmp_path: Path, encoder: HashEncoder
) -> None:
    nowhere = OpenSearch("http://127.0.0.1:9")
    with pytest.raises(EvaluationError, match="has no corpus"):
        evaluate([folder, tmp_path], encoder, nowhere, SPARSE)
    with pytest.raises(EncoderError, match="the dense model"):
        evaluate([folder], encoder, nowhere, EvaluateOptions(dense_model=str(tmp_path)))


def test_dense_alone_needs_no_cluster(folder: Path, encoder: HashEncoder) -> None:
    pytest.importorskip(PACKAGE)
    nowhere = OpenSearch("http://127.0.0.1:9")
    (result,) = evaluate([folder], encoder, nowhere, EvaluateOptions(("dense",), queries=2))
    assert result.queries == 2
    assert result.figures["recall@100"] == 1.0
    assert encoder.batches == []
