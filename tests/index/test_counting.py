import numpy as np
import pytest
from opensearchpy import OpenSearch

from splare_os.errors import MappingError
from splare_os.index import IngestOptions, ingest
from splare_os.index.counting import count_statistics, sample_statistics, standard_error
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
    found = sample_statistics(client, filled, FIELD, encoder.n_latents, sample=100)
    assert found.document_frequency.tolist() == left(encoder).document_frequency.tolist()


@pytest.mark.opensearch
def test_a_sample_is_scaled_to_the_whole(client, filled, encoder) -> None:
    found = sample_statistics(client, filled, FIELD, encoder.n_latents, sample=20, seed=1)
    assert found.documents == 37
    assert found.document_frequency.max() <= 37
    known = left(encoder).document_frequency > 0
    assert not found.document_frequency[~known].any()


@pytest.mark.opensearch
def test_other_samples_are_other_documents(client: OpenSearch, filled, encoder) -> None:
    seeds = (
        sample_statistics(client, filled, FIELD, encoder.n_latents, sample=5, seed=seed)
        for seed in range(3)
    )
    assert len({tuple(found.document_frequency.tolist()) for found in seeds}) > 1


@pytest.mark.opensearch
def test_impacts_out_of_source_cannot_be_sampled(client: OpenSearch, index, encoder) -> None:
    inner = {"impacts": {"type": "rank_features"}, "count": {"type": "short"}}
    mappings = {
        "_source": {"excludes": ["*.impacts"]},
        "properties": {FIELD: {"properties": inner}},
    }
    client.indices.create(index=index, body={"mappings": mappings})
    body = {FIELD: {"impacts": {"1": 1.0}, "count": 1}}
    client.index(index=index, id="a", body=body, params={"refresh": "true"})
    with pytest.raises(MappingError, match="out of _source"):
        sample_statistics(client, index, FIELD, encoder.n_latents, sample=5)
    found = count_statistics(client, index, FIELD, encoder.n_latents)
    assert (found.documents, found.document_frequency[1]) == (1, 1)


@pytest.mark.opensearch
def test_an_index_that_is_empty_has_no_statistics(client: OpenSearch, index, encoder) -> None:
    client.indices.create(index=index)
    for found in (
        count_statistics(client, index, FIELD, encoder.n_latents),
        sample_statistics(client, index, FIELD, encoder.n_latents, sample=5),
    ):
        assert (found.documents, found.document_frequency.sum()) == (0, 0)


def test_a_sample_is_of_one_to_ten_thousand() -> None:
    for sample in (0, 10_001):
        with pytest.raises(ValueError, match=f"sample={sample}"):
            sample_statistics(OpenSearch(), "i", FIELD, 8, sample=sample)


def test_the_standard_error_of_a_share_is_told_as_a_part_of_it() -> None:
    assert standard_error(0.5, 100) == pytest.approx(0.1)
    assert standard_error(0.1, 900) == pytest.approx(0.1)
