import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SparseEncoder
from transformers import AutoModel

from splare_os.encode import Card, SaeEncoder, SplareEncoder, load_backbone
from splare_os.encode.encoder import MAX_TOKENS
from splare_os.encode.load import load_encoder
from splare_os.encoder import own_top_k
from splare_os.errors import EncoderError
from splare_os.impacts import prune, stack
from tests.models import build_tiny, save_bert, save_model

TEXTS = ["the oil crisis", "", "price of oil, 1973", "war", "?" * 40, "oil " * 100]


def test_batched_equals_one_by_one(tiny: SplareEncoder) -> None:
    together = tiny.encode_documents(TEXTS)
    alone = stack([tiny.encode_documents([text]) for text in TEXTS])
    np.testing.assert_allclose(together.toarray(), alone.toarray(), atol=1e-5)


def test_impacts_follow_the_definition(tiny: SplareEncoder) -> None:
    inputs = tiny.tokenizer("the oil crisis", return_tensors="pt")
    with torch.inference_mode():
        states = tiny.backbone(dict(inputs))["token_embeddings"][0, 1:-1]
    sae = tiny.pooling.sae
    z = states @ sae.weight.T + sae.bias
    expected = torch.log1p(z * (z > sae.threshold)).amax(dim=0).numpy()
    got = tiny.encode_documents(["the oil crisis"]).toarray()[0]
    np.testing.assert_allclose(got, expected, atol=1e-5)
    assert (expected > 0).sum() > 10


def test_a_text_without_tokens_has_no_impacts(tiny: SplareEncoder) -> None:
    assert tiny.encode_documents(["", "  "]).nnz == 0
    assert tiny.encode_documents([]).shape == (0, 300)


def test_a_long_text_is_the_maximum_over_its_windows(tiny: SplareEncoder) -> None:
    words = [f"oil price {n} war" for n in range(40)]
    whole = tiny.encode_documents([" ".join(words)])
    card = tiny.card
    ids = tiny.tokenizer(" ".join(words), add_special_tokens=False)["input_ids"]
    step = card.window - 2 - card.overlap
    parts = [ids[at : at + card.window - 2] for at in range(0, len(ids) - card.overlap, step)]
    rows = []
    for part in parts:
        features = {"input_ids": torch.tensor([[2, *part, 3]])}
        features["attention_mask"] = torch.ones_like(features["input_ids"])
        with torch.inference_mode():
            rows.append(tiny.model(features)["sentence_embedding"][0].numpy())
    np.testing.assert_allclose(whole.toarray()[0], np.max(rows, axis=0), atol=1e-5)


def test_queries_and_documents_keep_their_own_top_k(tmp_path: Path) -> None:
    save_bert(tmp_path)
    sae = SaeEncoder.from_tensors(torch.randn(99, 16), torch.ones(99), torch.zeros(99))
    backbone = load_backbone(str(tmp_path), n_blocks=1, window=32)
    card = Card("tiny", window=32, overlap=4, document_top_k=20, query_top_k=5)
    encoder = SplareEncoder.build(backbone, sae, card)
    assert encoder.encode_documents(["the oil crisis"]).nnz == own_top_k(encoder) == 20
    queries = encoder.encode_queries(["the oil crisis"])
    assert queries.nnz == 5
    full = prune(encoder.encode_documents(["the oil crisis"]), 5)
    np.testing.assert_allclose(queries.toarray(), full.toarray(), atol=1e-6)


def test_a_saved_model_loads_with_the_same_impacts_and_fingerprint(
    tiny: SplareEncoder, tiny_folder: Path, tmp_path: Path
) -> None:
    loaded = load_encoder(str(tiny_folder), device="cpu", dtype="float32")
    assert (loaded.name, loaded.fingerprint) == ("tiny", tiny.fingerprint)
    tiny.save(tmp_path)
    assert load_encoder(str(tmp_path)).fingerprint == loaded.fingerprint
    difference = loaded.encode_documents(TEXTS) - tiny.encode_documents(TEXTS)
    assert abs(difference).max() < 1e-5  # sums of blocked weights are in another order


def test_a_frozen_model_is_saved_as_it_was(tiny_folder: Path, tmp_path: Path) -> None:
    one = SplareEncoder.load(tiny_folder, device="cpu", dtype="float32")
    mark = one.fingerprint
    one.freeze()
    one.save(tmp_path / "again")
    assert SplareEncoder.load(tmp_path / "again", device="cpu").fingerprint == mark


def test_a_model_folder_holds_no_path_of_the_machine_it_was_made_on(
    tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = str(tmp_path_factory.getbasetemp()).encode()
    for path in tiny_folder.rglob("*"):
        assert path.is_dir() or base not in path.read_bytes(), path


def test_a_saved_tokenizer_neither_truncates_nor_pads(tmp_path: Path) -> None:
    encoder = build_tiny(tmp_path / "bert")
    encoder.model.preprocess(["the oil crisis", "war"])  # sets both in the tokenizer
    encoder.save(tmp_path / "model")
    saved = json.loads((tmp_path / "model" / "tokenizer.json").read_text())
    assert (saved["truncation"], saved["padding"]) == (None, None)


@pytest.mark.parametrize(
    "change", [{"window": 30}, {"overlap": 7}, {"n_blocks": 1}, {"n_latents": 301}]
)
def test_what_changes_impacts_changes_the_fingerprint(
    tiny: SplareEncoder, tmp_path: Path, change: dict[str, int]
) -> None:
    overlap = change.pop("overlap", 8)
    encoder = build_tiny(tmp_path / "bert", **change)
    encoder.card = Card("tiny", window=encoder.card.window, overlap=overlap)
    encoder.save(tmp_path / "model")
    assert encoder.fingerprint != tiny.fingerprint


def test_name_and_top_k_do_not_change_the_fingerprint(tiny: SplareEncoder, tmp_path: Path) -> None:
    encoder = build_tiny(tmp_path / "bert", name="other")
    encoder.card = Card("other", window=32, overlap=8, query_top_k=3, document_top_k=9)
    encoder.save(tmp_path / "model")
    assert encoder.fingerprint == tiny.fingerprint


def test_an_unsaved_model_has_no_fingerprint(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="model 'tiny' has no fingerprint yet: save it first"):
        _ = build_tiny(tmp_path).fingerprint


def test_an_sae_of_another_width_is_refused(tmp_path: Path) -> None:
    save_bert(tmp_path, width=16)
    backbone = load_backbone(str(tmp_path), n_blocks=1, window=32)
    with pytest.raises(ValueError, match="reads states of 24 numbers, the backbone has 16"):
        SplareEncoder.build(backbone, SaeEncoder(24, 10), Card("tiny", window=32, overlap=4))


def test_the_folder_is_a_sparse_encoder_of_sentence_transformers(tiny_folder: Path) -> None:
    model = SparseEncoder(str(tiny_folder), trust_remote_code=True, device="cpu")
    theirs = model.encode_document(["the oil crisis"]).to_dense().numpy()
    ours = load_encoder(str(tiny_folder), device="cpu", dtype="float32")
    expected = ours.encode_documents(["the oil crisis"]).toarray()
    np.testing.assert_allclose(theirs, expected, atol=1e-5)


def test_a_model_without_special_tokens_encodes_an_empty_text(tmp_path: Path) -> None:
    encoder = build_tiny(tmp_path)
    encoder.tokenizer.backend_tokenizer.post_processor = None
    assert encoder.encode_documents(["", "oil", ""]).sum(axis=1).tolist()[::2] == [0, 0]
    assert encoder.encode_documents(["", ""]).nnz == 0
    assert encoder.spans(["", ""]) == [{}, {}]


def test_more_texts_than_a_chunk_come_back_in_order(
    tiny: SplareEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tiny.encode_documents(TEXTS * 3)
    monkeypatch.setattr("splare_os.encode.encoder.CHUNK_TEXTS", 4)
    monkeypatch.setitem(MAX_TOKENS, "cpu", 40)
    np.testing.assert_allclose(
        tiny.encode_documents(TEXTS * 3).toarray(), expected.toarray(), atol=1e-5
    )
    assert tiny.spans(TEXTS * 3) == tiny.spans(TEXTS) * 3


def test_an_unknown_precision_is_refused(tiny_folder: Path) -> None:
    with pytest.raises(ValueError, match="dtype='int3': choose one of float32, bfloat16"):
        load_encoder(str(tiny_folder), dtype="int3")


def test_an_sae_keeps_its_precision_beside_a_backbone_of_16_bits(tmp_path: Path) -> None:
    save_model(tmp_path / "llama", "llama")
    model = AutoModel.from_pretrained(tmp_path / "llama", dtype=torch.bfloat16)
    model.save_pretrained(tmp_path / "llama")
    weights = torch.randn(50, 16), torch.randn(50), torch.rand(50)
    backbone = load_backbone(str(tmp_path / "llama"), n_blocks=2, window=32, dtype=None)
    sae = SaeEncoder.from_tensors(*weights)
    encoder = SplareEncoder.build(backbone, sae, Card("tiny", window=32, overlap=4))
    encoder.save(tmp_path / "model")
    exact = SplareEncoder.load(tmp_path / "model", device="cpu", dtype="float32")
    fast = SplareEncoder.load(tmp_path / "model", device="cpu", dtype="bfloat16")
    for found in (encoder.pooling.sae, exact.pooling.sae):
        for name, tensor in zip(("weight", "bias", "threshold"), weights, strict=True):
            torch.testing.assert_close(getattr(found, name).data, tensor, atol=0, rtol=0)
    assert fast.pooling.sae.weight.dtype == torch.bfloat16
    torch.testing.assert_close(fast.pooling.sae.threshold.data, weights[2], atol=0, rtol=0)
    assert encoder.encode_documents(["the oil crisis"]).nnz > 5


def test_states_that_overflow_float16_are_an_error_and_no_missing_impacts(tmp_path: Path) -> None:
    encoder = build_tiny(tmp_path)
    encoder.model.half()
    encoder.backbone.model.embeddings.LayerNorm.weight.data.fill_(60_000)
    with pytest.raises(EncoderError, match="states overflow float16 in this model"):
        encoder.encode_documents(["the oil crisis"])


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_that_comes_with_a_folder_is_not_run(
    tiny_folder: Path, tmp_path: Path, name: str
) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "model"))
    kind = "AutoConfig" if name == "config.json" else "AutoTokenizer"
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    (folder / name).write_text(json.dumps(content | {"auto_map": {kind: ["evil.Evil", None]}}))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(EncoderError, match=r"has an auto_map, code of others"):
        load_encoder(str(folder))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("device", ["gpu", "cpu,"])
def test_a_device_that_is_none_is_refused(tiny_folder: Path, device: str) -> None:
    with pytest.raises(ValueError, match=f"device='{device}'"):
        load_encoder(str(tiny_folder), device=device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_told(tiny_folder: Path) -> None:
    with pytest.raises(EncoderError, match="device='cuda': torch finds no GPU"):
        load_encoder(str(tiny_folder), device="cuda")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"dtype": "bfloat16"}, torch.bfloat16),
        ({"dtype": "torch.float16"}, torch.float16),
        ({"torch_dtype": torch.bfloat16}, torch.bfloat16),
        ({"torch_dtype": "bfloat16", "dtype": torch.float16}, torch.float16),
        ({"dtype": "auto"}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_sentence_transformers_may_ask_for_a_precision(
    tiny_folder: Path, asked: dict[str, Any], expected: torch.dtype
) -> None:
    arguments: dict[str, Any] = {"trust_remote_code": True, "device": "cpu", "model_kwargs": asked}
    model = SparseEncoder(str(tiny_folder), **arguments)
    *_, last = model[0].model.parameters()
    assert last.dtype == expected


def test_a_precision_that_there_is_not_is_refused(tiny_folder: Path) -> None:
    with pytest.raises(ValueError, match="dtype='int3': give float32, bfloat16 or float16"):
        SparseEncoder(str(tiny_folder), trust_remote_code=True, model_kwargs={"dtype": "int3"})
