from pathlib import Path

import numpy as np
import pytest
import torch

from splare_os.encode import SplareEncoder, load_backbone
from splare_os.encode.load import load_encoder
from tests.encode.conftest import Snapshot
from tests.models import save_model

RELEASE = "gemma-scope-2b-pt-res-canonical", "layer_6/width_65k/canonical"
WIDTH = 16


def save_gemma_scope(folder: Path) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    tensors = {
        "W_enc": rng.normal(size=(WIDTH, 90)),
        "W_dec": rng.normal(size=(90, WIDTH)),
        "b_enc": rng.normal(size=90),
        "b_dec": rng.normal(size=WIDTH),
        "threshold": np.abs(rng.normal(size=90)),
    }
    tensors = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "params.npz", **tensors)
    return tensors


def test_a_release_and_its_backbone_are_taken_from_the_hubs_cache(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    save_gemma_scope(snapshot("google/gemma-scope-2b-pt-res") / "layer_6/width_65k/average_l0_107")
    backbone = snapshot("google/gemma-2-2b")
    save_model(backbone, "gemma2", layers=9)
    with pytest.raises(ValueError, match="n_blocks=5: .* was trained on the states after block 7"):
        SplareEncoder.from_sae(*RELEASE, n_blocks=5)
    encoder = SplareEncoder.from_sae(*RELEASE, window=32)
    assert encoder.name == "/".join(RELEASE)
    assert encoder.backbone.model.config.num_hidden_layers == 7
    impacts = encoder.encode_documents(["the oil crisis"])
    assert impacts.nnz > 5
    encoder.save(tmp_path / "model")
    loaded = load_encoder(str(tmp_path / "model"), device="cpu", dtype="float32")
    assert loaded.fingerprint == encoder.fingerprint
    assert abs(loaded.encode_documents(["the oil crisis"]) - impacts).max() < 1e-5


def test_a_local_file_needs_to_be_told_its_backbone_and_blocks(tmp_path: Path) -> None:
    tensors = save_gemma_scope(tmp_path / "sae")
    save_model(tmp_path / "gemma", "gemma2")
    with pytest.raises(ValueError, match="give backbone .a hub id or folder. and n_blocks"):
        SplareEncoder.from_sae(tmp_path / "sae")
    encoder = SplareEncoder.from_sae(
        tmp_path / "sae", backbone=str(tmp_path / "gemma"), n_blocks=3, window=32
    )
    (impacts,) = encoder.encode_documents(["the oil crisis"]).toarray()
    base = load_backbone(str(tmp_path / "gemma"), n_blocks=3, window=32).eval()
    inputs = base.tokenizer("the oil crisis", return_tensors="pt")
    with torch.inference_mode():
        states = base(dict(inputs))["token_embeddings"][0, 1:-1].numpy()
    pre = states @ tensors["W_enc"] + tensors["b_enc"]
    expected = np.log1p(np.where(pre > tensors["threshold"], pre, 0)).max(axis=0)
    np.testing.assert_allclose(impacts, expected, atol=1e-4)
