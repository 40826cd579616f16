from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from opensearchpy import OpenSearch
from sentence_transformers import SentenceTransformer, SparseEncoder
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

from splare_os.encode import DenseEncoder, EmbeddingSae, SaeEncoder, load_encoder
from splare_os.encoder import GivesWholeQueries, own_prior, own_top_k
from splare_os.errors import EncoderError
from splare_os.impacts import prune, stored
from splare_os.index import IngestOptions, ingest
from splare_os.search import SearchOptions, search
from splare_os.statistics import Statistics
from splare_os.steering import Steering
from tests.models import save_bert

TEXTS = ["the oil crisis", "price of oil", "river"]


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> SentenceTransformer:
    """A bi-encoder of random weights, with a prompt for queries."""
    folder = tmp_path_factory.mktemp("bert")
    save_bert(folder)
    modules = [Transformer(str(folder), max_seq_length=32), Pooling(16), Normalize()]
    prompts = {"query": "of ", "document": ""}
    return SentenceTransformer(modules=modules, device="cpu", prompts=prompts)


@pytest.fixture(scope="module")
def encoder(dense: SentenceTransformer, tmp_path_factory: pytest.TempPathFactory) -> DenseEncoder:
    generator = torch.Generator().manual_seed(1)
    decoder = torch.nn.functional.normalize(torch.randn(64, 16, generator=generator))
    sae = SaeEncoder.from_tensors(decoder, torch.zeros(64), torch.full((64,), 0.1))
    built = DenseEncoder.build(dense, EmbeddingSae.of(sae, decoder), "tiny-dense")
    built.prior = Statistics.of(built.encode_documents(TEXTS))
    built.save(tmp_path_factory.mktemp("tiny-dense"))
    return built


@pytest.fixture(scope="module")
def folder(encoder: DenseEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved")
    encoder.save(path)
    return path


def test_impacts_are_activations_of_the_bi_encoders_own_embeddings(
    dense: SentenceTransformer, encoder: DenseEncoder
) -> None:
    vectors = torch.from_numpy(dense.encode_document(TEXTS, show_progress_bar=False))
    u = vectors @ encoder.sae.sae.weight.T
    expected = torch.where(u > 0.1, u, 0).numpy()
    found = encoder.encode_documents(TEXTS)
    np.testing.assert_allclose(found.toarray(), expected, atol=1e-6)
    assert found.nnz > 0
    np.testing.assert_allclose(encoder.embed(TEXTS), vectors.numpy())


def test_queries_have_their_prompt_and_their_cut(encoder: DenseEncoder) -> None:
    whole = encoder.encode_whole_queries(["oil"])
    assert abs(whole - encoder.impacts_of(encoder.embed(["of oil"]))).max() < 1e-6
    assert isinstance(encoder, GivesWholeQueries)
    assert (encoder.encode_queries(["oil"]) != prune(whole, encoder.query_top_k)).nnz == 0
    assert own_top_k(encoder) == 400


def test_no_texts_have_no_impacts(encoder: DenseEncoder) -> None:
    assert encoder.encode_documents([]).shape == (0, 64)
    assert encoder.steered(encoder.embed([]), Steering.read("-1")).shape == (0, 16)


def test_a_saved_folder_is_the_same_model(encoder: DenseEncoder, folder: Path) -> None:
    loaded = load_encoder(str(folder), device="cpu")
    assert isinstance(loaded, DenseEncoder)
    assert (loaded.name, loaded.fingerprint) == ("tiny-dense", encoder.fingerprint)
    np.testing.assert_allclose(
        loaded.encode_queries(TEXTS).toarray(), encoder.encode_queries(TEXTS).toarray(), atol=1e-6
    )
    np.testing.assert_allclose(loaded.embed(TEXTS), encoder.embed(TEXTS), atol=1e-6)
    prior = own_prior(loaded)
    assert prior is not None
    assert prior.documents == 3


def test_sentence_transformers_reads_the_folder_too(encoder: DenseEncoder, folder: Path) -> None:
    theirs = SparseEncoder(str(folder), device="cpu", trust_remote_code=True)
    found = theirs.encode_document(TEXTS, show_progress_bar=False).to_dense().numpy()
    np.testing.assert_allclose(found, encoder.encode_documents(TEXTS).toarray(), atol=1e-6)


def test_an_unsaved_model_has_no_fingerprint(dense: SentenceTransformer) -> None:
    sae = EmbeddingSae(16, 8)
    with pytest.raises(EncoderError, match="has no fingerprint yet: save it first"):
        _ = DenseEncoder.build(dense, sae, "new").fingerprint


def test_spans_are_refused_as_tokens_are_pooled(encoder: DenseEncoder) -> None:
    with pytest.raises(EncoderError, match="latents are of whole embeddings, in which tokens are"):
        encoder.spans(["oil"])


def test_a_vector_moves_along_the_direction_of_the_latent_that_is_added(
    encoder: DenseEncoder,
) -> None:
    vectors = encoder.embed(TEXTS)
    steered = encoder.steered(vectors, Steering(add=((5, 2.0),)))
    direction = encoder.sae.decoder[5].numpy()
    heaviest = encoder.impacts_of(vectors).max(axis=1).toarray().reshape(-1, 1)
    plain = vectors + 2.0 * heaviest * direction
    np.testing.assert_allclose(
        steered, plain / np.linalg.norm(plain, axis=1, keepdims=True), atol=1e-5
    )
    assert (steered @ direction > vectors @ direction).all()


def test_what_changes_no_latent_changes_no_vector(encoder: DenseEncoder) -> None:
    vectors = encoder.embed(TEXTS)
    silent = int(np.flatnonzero(~encoder.impacts_of(vectors).toarray().any(axis=0))[0])
    steered = encoder.steered(vectors, Steering(mute=(silent,)))
    np.testing.assert_allclose(steered, vectors, atol=1e-6)


def test_vectors_and_latents_of_another_model_are_refused(
    dense: SentenceTransformer, encoder: DenseEncoder
) -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 3\): give \[text, state\] with 16 numbers"):
        encoder.impacts_of(np.zeros((2, 3), dtype=np.float32))
    with pytest.raises(ValueError, match="latent 64: the model has latents 0 to 63"):
        encoder.steered(encoder.embed(TEXTS), Steering.read("-64"))
    with pytest.raises(ValueError, match="reads embeddings of 8 numbers, the bi-encoder gives 16"):
        DenseEncoder.build(dense, EmbeddingSae(8, 4), "wrong")


def test_a_folder_without_a_card_is_refused(folder: Path, tmp_path: Path) -> None:
    theirs = SparseEncoder(str(folder), device="cpu", trust_remote_code=True)
    theirs.save_pretrained(str(tmp_path))
    with pytest.raises(EncoderError, match=r"has no splare\.json: save the model with DenseEnc"):
        load_encoder(str(tmp_path))


@pytest.mark.opensearch
def test_its_latents_are_indexed_searched_and_explained_without_words(
    client: OpenSearch, encoder: DenseEncoder, index: str, write: Callable[..., str]
) -> None:
    lines = [{"_id": str(number), "text": text} for number, text in enumerate(TEXTS)]
    outcomes = list(ingest(client, encoder, [write(lines)], IngestOptions(index, scoring="dot")))
    assert {outcome.status for outcome in outcomes} == {"indexed"}
    options = SearchOptions(explain=True, scoring="dot")
    hits = search(client, encoder, index, "oil", options)
    documents = stored(encoder.encode_documents(TEXTS))
    expected = (documents @ encoder.encode_queries(["oil"]).T).toarray()[:, 0]
    found = {hit.id: hit.score for hit in hits}
    assert found == pytest.approx({str(n): s for n, s in enumerate(expected) if s}, rel=1e-5)
    for hit in hits:
        assert {match.document_text for match in hit.matches} == {""}
