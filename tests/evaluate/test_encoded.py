from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from splare_os.encode.load import DTYPES, load_encoder
from splare_os.errors import EvaluationError
from splare_os.evaluate import encoded
from splare_os.evaluate.datasets import DataSet, read_dataset
from splare_os.evaluate.encoded import EncodedCorpus, LookUpEncoder, store_key
from splare_os.evaluate.store import Store
from splare_os.impacts import stack
from splare_os.statistics import Statistics
from tests.evaluate.folders import CORPUS, write
from tests.hashing import UNREADABLE, HashEncoder

TEXTS = [f"{document['title']} {document['text']}".strip() for document in CORPUS]


@pytest.fixture(params=[1, 3, 1024])
def corpus(
    data: DataSet,
    encoder: HashEncoder,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> EncodedCorpus:
    monkeypatch.setattr(encoded, "CHUNK_DOCUMENTS", request.param)
    return EncodedCorpus(encoder, data, Store(tmp_path / "store"))


def test_chunks_hold_what_the_encoder_gives_and_are_encoded_once(
    corpus: EncodedCorpus, encoder: HashEncoder
) -> None:
    expected = encoder.encode_documents(TEXTS).toarray()
    encoder.batches.clear()
    for _ in range(2):
        assert np.array_equal(stack(list(corpus.chunks())).toarray(), expected)
    assert sum(encoder.batches) == 4
    again = EncodedCorpus(encoder, corpus.data, corpus.store)
    assert np.array_equal(stack(list(again.chunks())).toarray(), expected)
    assert sum(encoder.batches) == 4


def test_an_interrupted_corpus_goes_on_where_it_was(
    corpus: EncodedCorpus, encoder: HashEncoder
) -> None:
    list(corpus.chunks())
    encoder.batches.clear()
    corpus.store.path(corpus.n_chunks - 1).unlink()
    list(corpus.chunks())
    assert len(encoder.batches) == 1


def test_documents_are_looked_up_and_queries_encoded(
    corpus: EncodedCorpus, encoder: HashEncoder
) -> None:
    look_up = LookUpEncoder(corpus)
    texts = [TEXTS[3], TEXTS[0], TEXTS[1], TEXTS[0]]
    expected = encoder.encode_documents(texts).toarray()
    list(corpus.chunks())
    encoder.batches.clear()
    assert np.array_equal(look_up.encode_documents(texts).toarray(), expected)
    assert look_up.encode_documents([]).shape == (0, encoder.n_latents)
    assert encoder.batches == []
    assert look_up.encode_queries(["water"]).nnz == 1
    assert (look_up.name, look_up.fingerprint) == (encoder.name, encoder.fingerprint)
    with pytest.raises(EvaluationError, match="changed while it was evaluated"):
        look_up.encode_documents(["another text"])


def test_statistics_are_of_the_documents_as_they_are_cut(
    corpus: EncodedCorpus, encoder: HashEncoder
) -> None:
    water, bread = encoder.latent("water"), encoder.latent("bread")
    whole = corpus.statistics(400)
    assert (whole.documents, whole.length) == (4, 0.5 * (6 + 6 + 5 + 8))  # half for each word
    assert whole.document_frequency[[water, bread]].tolist() == [2, 1]
    cut = corpus.statistics(2)
    # d4 keeps "and" three times and "water" twice, d1 "the" twice and another word; d2 has six
    # words of one weight, and "water" is none of the first two
    assert cut.length == 0.5 * (3 + 2 + 2 + 5)
    assert cut.document_frequency[[water, bread]].tolist() == [1, 0]
    assert cut.document_frequency.sum() == 4 * 2


def test_the_prior_of_the_encoder_is_there_when_it_looks_up(corpus: EncodedCorpus) -> None:
    assert LookUpEncoder(corpus).prior is None
    corpus.encoder.prior = Statistics.none(1 << 16)  # type: ignore[attr-defined]
    assert LookUpEncoder(corpus).prior is corpus.encoder.prior


def test_empty_and_unreadable_texts_have_no_impacts(
    folder: Path, encoder: HashEncoder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    more = [{"_id": "d5", "text": ""}, {"_id": "d6", "text": UNREADABLE}]
    write(folder / "corpus.jsonl", [more[0], *CORPUS[:2], more[1]])
    corpus = EncodedCorpus(encoder, read_dataset(folder, "tiny"), Store(tmp_path / "store"))
    (impacts,) = corpus.chunks()
    assert np.diff(impacts.indptr).tolist() == [0, 5, 6, 0]
    assert "cannot encode 1 texts, so figures are too low; the first: " in caplog.text
    assert corpus.n_failed == 1
    again = EncodedCorpus(encoder, corpus.data, corpus.store)
    assert again.n_failed == 1  # though nothing is encoded any more


def test_the_key_changes_with_model_corpus_and_precision(data: DataSet) -> None:
    one, other = HashEncoder(), HashEncoder(fingerprint="f" * 16)
    keys = {store_key(one, data), store_key(other, data)}
    assert len(keys | {store_key(one, replace(data, fingerprint="0"))}) == 3
    by_dtype = [load_encoder("mini", device="cpu", dtype=dtype) for dtype in DTYPES]
    assert len({store_key(mini, data) for mini in by_dtype}) == 3  # though embeddings are alike
