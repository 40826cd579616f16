import numpy as np
import pytest
from opensearchpy import OpenSearch

from splare_os.errors import ReplyError
from splare_os.index import IngestOptions, counting, ingest
from splare_os.index.counting import (
    NotInSourceError,
    count_statistics,
    sample_statistics,
    standard_error,
    take_statistics,
)
from splare_os.statistics import Statistics
from tests.hashing import HashEncoder

FIELD = "text_splare"


@pytest.fixture
def filled(client, index, encoder, write) -> str:
    """An index of 40 documents, one of them empty and three deleted, over two shards."""
    client.indices.create(index=index, body={"settings": {"number_of_shards": 2}})
    path = write({"_id": str(n), "text": text} for n, text in enumerate(texts()))
    for _ in ingest(client, encoder, [path], IngestOptions(index)):
        pass
    for n in (3, 5, 7):
        client.delete(index=index, id=str(n))
    client.indices.refresh(index=index)
    return index


def texts() -> list[str]:
    rng = np.random.default_rng(0)
    words = [f"word{n}" for n in range(30)]
    return ["", *(" ".join(rng.choice(words, 6)) for _ in range(39))]


def left(encoder: HashEncoder) -> Statistics:
    kept = [text for n, text in enumerate(texts()) if n not in (3, 5, 7)]
    return Statistics.of(encoder.encode_documents(kept))


@pytest.mark.opensearch
def test_the_count_is_that_of_the_documents_that_are_left(client, filled, encoder) -> None:
    found, true = count_statistics(client, filled, FIELD, encoder.n_latents), left(encoder)
    assert found.documents == true.documents == 37
    assert found.document_frequency.tolist() == true.document_frequency.tolist()
    assert found.length == pytest.approx(true.length, rel=1e-3)


@pytest.mark.opensearch
def test_a_sample_as_large_as_the_index_is_the_count(client, filled, encoder) -> None:
    taken = sample_statistics(client, filled, FIELD, encoder.n_latents, sample=100)
    assert taken.sampled is None  # none was left out
    assert taken.statistics.documents == 37
    frequency = taken.statistics.document_frequency
    assert frequency.tolist() == left(encoder).document_frequency.tolist()


@pytest.mark.opensearch
def test_a_sample_is_scaled_to_the_whole(client, filled, encoder) -> None:
    taken = sample_statistics(client, filled, FIELD, encoder.n_latents, sample=20, seed=1)
    found = taken.statistics
    assert (found.documents, taken.sampled) == (37, 20)
    assert found.document_frequency.max() <= 37
    known = left(encoder).document_frequency > 0
    assert not found.document_frequency[~known].any()


@pytest.mark.opensearch
def test_other_samples_are_other_documents(client: OpenSearch, filled, encoder) -> None:
    seeds = (
        sample_statistics(client, filled, FIELD, encoder.n_latents, sample=5, seed=seed)
        for seed in range(3)
    )
    assert len({tuple(taken.statistics.document_frequency.tolist()) for taken in seeds}) > 1


@pytest.mark.opensearch
def test_documents_without_impacts_are_drawn_as_often_as_they_are(
    client: OpenSearch, index, encoder, write
) -> None:
    lines = ({"_id": str(n), "text": "ants" if n % 4 else ""} for n in range(200))
    for _ in ingest(client, encoder, [write(lines)], IngestOptions(index)):
        pass
    (ants,) = encoder.encode_documents(["ants"]).indices
    samples = [
        sample_statistics(client, index, FIELD, encoder.n_latents, sample=50, seed=seed).statistics
        for seed in range(10)
    ]
    shares = [found.document_frequency[ants] / found.documents for found in samples]
    assert np.mean(shares) == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / 500))


@pytest.mark.opensearch
def test_what_other_writers_put_beside_the_impacts_does_not_count(
    client: OpenSearch, index, encoder
) -> None:
    mappings = {"properties": {FIELD: {"properties": {"impacts": {"type": "rank_features"}}}}}
    client.indices.create(index=index, body={"mappings": mappings})
    fields = {"count": 1, "latents": [1]}
    ours = {"impacts": {"1": 2.0}, "length": 2.0} | fields
    theirs = {"impacts": {"oil": 2.0, "9999": 1.0, "1": 1.0}, "length": None} | fields
    for name, one in (("a", ours), ("b", theirs)):
        client.index(index=index, id=name, body={FIELD: one}, params={"refresh": "true"})
    found = sample_statistics(client, index, FIELD, encoder.n_latents, sample=9).statistics
    assert (found.documents, found.length) == (2, 2.0)
    assert dict(enumerate(found.document_frequency.tolist()))[1] == 2
    assert found.document_frequency.sum() == 2


@pytest.mark.opensearch
def test_impacts_out_of_source_are_counted(client: OpenSearch, index, encoder, monkeypatch) -> None:
    inner = {"impacts": {"type": "rank_features"}, "count": {"type": "short"}}
    mappings = {
        "_source": {"excludes": ["*.impacts"]},
        "properties": {FIELD: {"properties": inner}},
    }
    client.indices.create(index=index, body={"mappings": mappings})
    body = {FIELD: {"impacts": {"1": 1.0}, "count": 1}}
    client.index(index=index, id="a", body=body, params={"refresh": "true"})
    with pytest.raises(NotInSourceError, match="out of _source"):
        sample_statistics(client, index, FIELD, encoder.n_latents, sample=5)
    monkeypatch.setattr(counting, "MOST_COUNTED", 0)  # so large that a sample is the rule
    taken = take_statistics(client, index, FIELD, encoder.n_latents)
    assert taken.sampled is None
    assert (taken.statistics.documents, taken.statistics.document_frequency[1]) == (1, 1)


@pytest.mark.opensearch
def test_a_large_index_is_sampled(client, filled, encoder, monkeypatch) -> None:
    monkeypatch.setattr(counting, "MOST_COUNTED", 36)
    monkeypatch.setattr(counting, "MAX_SAMPLE", 9)
    taken = take_statistics(client, filled, FIELD, encoder.n_latents)
    assert (taken.statistics.documents, taken.sampled) == (37, 9)


@pytest.mark.opensearch
def test_an_index_with_a_shard_that_does_not_answer_has_no_statistics(
    client: OpenSearch, index, encoder
) -> None:
    down = {"settings": {"index.routing.allocation.require._name": "nowhere"}}
    client.indices.create(index=f"{index}-up")
    client.indices.create(index=f"{index}-down", body=down, params={"wait_for_active_shards": "0"})
    with pytest.raises(ReplyError, match="not all of its shards answer"):
        count_statistics(client, f"{index}-*", FIELD, encoder.n_latents)


@pytest.mark.opensearch
def test_an_index_that_is_empty_has_no_statistics(client: OpenSearch, index, encoder) -> None:
    client.indices.create(index=index)
    for found in (
        count_statistics(client, index, FIELD, encoder.n_latents),
        sample_statistics(client, index, FIELD, encoder.n_latents, sample=5).statistics,
    ):
        assert (found.documents, found.document_frequency.sum()) == (0, 0)


def test_a_sample_is_of_one_to_ten_thousand() -> None:
    for sample in (0, 10_001):
        with pytest.raises(ValueError, match=f"sample={sample}"):
            sample_statistics(OpenSearch(), "i", FIELD, 8, sample=sample)


def test_the_standard_error_of_a_share_is_told_as_a_part_of_it() -> None:
    assert standard_error(0.5, 100) == pytest.approx(0.1)
    assert standard_error(0.1, 900) == pytest.approx(0.1)
