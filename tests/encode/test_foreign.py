import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SparseEncoder
from sentence_transformers.sparse_encoder.modules import MLMTransformer, SpladePooling
from transformers import BertConfig, BertForMaskedLM

from splare_os.encode import ForeignEncoder
from splare_os.encode.load import load_encoder
from splare_os.encoder import own_top_k
from splare_os.errors import EncoderError
from splare_os.impacts import prune
from tests.models import save_bert

TEXTS = ["the oil crisis", "", "price of oil"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SPLADE of random weights, saved by sentence-transformers alone."""
    base, model = tmp_path_factory.mktemp("mlm"), tmp_path_factory.mktemp("splade")
    save_bert(base)
    torch.manual_seed(0)
    BertForMaskedLM(BertConfig.from_pretrained(base)).save_pretrained(base)
    modules = [MLMTransformer(str(base), max_seq_length=32), SpladePooling("max")]
    SparseEncoder(modules=modules, device="cpu").save_pretrained(str(model))
    return model


def test_impacts_are_those_of_sentence_transformers(folder: Path) -> None:
    encoder = load_encoder(str(folder))
    assert isinstance(encoder, ForeignEncoder)
    theirs = SparseEncoder(str(folder), device="cpu").encode_document(TEXTS).to_dense().numpy()
    ours = encoder.encode_documents(TEXTS)
    np.testing.assert_allclose(ours.toarray(), theirs, atol=1e-6)
    assert ours.shape == (3, encoder.n_latents)
    assert ours.nnz > 0


def test_queries_keep_their_top_k(folder: Path) -> None:
    encoder = load_encoder(str(folder))
    queries = encoder.encode_queries(["the oil crisis"])
    assert (queries.nnz, own_top_k(encoder)) == (40, 400)
    whole = prune(encoder.encode_documents(["the oil crisis"]), 40)
    assert (queries != whole).nnz == 0
    assert encoder.encode_queries([]).shape == (0, encoder.n_latents)


def test_the_fingerprint_is_of_the_folder_not_of_its_place(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    SparseEncoder(str(folder), device="cpu").save_pretrained(str(copy))
    first, second = load_encoder(str(folder)), load_encoder(str(copy))
    assert first.fingerprint == second.fingerprint
    assert len(first.fingerprint) == 16
    assert (first.name, second.name) == (folder.name, "copy")


def test_spans_are_refused(folder: Path) -> None:
    with pytest.raises(EncoderError, match="has no spans for its 1 documents"):
        load_encoder(str(folder)).spans(["oil"])


@pytest.mark.parametrize("told", [{"model_type": "SentenceTransformer"}, {}, None])
def test_a_dense_model_is_refused_and_gets_no_random_latents(
    folder: Path, tmp_path: Path, told: dict[str, str] | None
) -> None:
    dense = Path(shutil.copytree(folder, tmp_path / "dense"))
    settings = dense / "config_sentence_transformers.json"
    settings.unlink()
    if told is not None:
        settings.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(EncoderError, match=r"is a SentenceTransformer, no SparseEncoder.*Train an"):
        load_encoder(dense)
