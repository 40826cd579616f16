"""Ours against what people do by hand: the full model, sae-lens, log1p, max over tokens."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sae_lens import (
    GatedSAE,
    GatedSAEConfig,
    JumpReLUSAE,
    JumpReLUSAEConfig,
    TopKSAE,
    TopKSAEConfig,
)
from torch import Tensor
from transformers import AutoConfig, AutoModel, AutoTokenizer

from splare_os.encode import Card, SplareEncoder, load_backbone
from splare_os.encode.sae.files import read_sae
from tests.models import save_model

FAMILIES = ["bert", "gemma2", "gemma3_text", "llama", "modernbert", "qwen2", "qwen3"]
N_LATENTS = 200
TEXTS = ["the oil crisis", "price of oil, 1973", "war", "", "the river of oil " * 2]


def save_sae(folder: Path, kind: str) -> JumpReLUSAE | TopKSAE | GatedSAE:
    settings = {"d_in": 16, "d_sae": N_LATENTS, "dtype": "float32", "device": "cpu"}
    sae: JumpReLUSAE | TopKSAE | GatedSAE
    if kind == "topk":
        sae = TopKSAE(TopKSAEConfig(k=6, **settings))
    elif kind == "gated":
        sae = GatedSAE(GatedSAEConfig(**settings))
    else:
        sae = JumpReLUSAE(JumpReLUSAEConfig(**settings))
    generator = torch.Generator().manual_seed(5)
    for parameter in sae.parameters():
        parameter.data = 0.3 * torch.randn(parameter.shape, generator=generator)
    sae.save_model(folder)
    return sae


def by_hand(
    folder: Path, sae: JumpReLUSAE | TopKSAE | GatedSAE, text: str
) -> tuple[Tensor, Tensor]:
    """Return impacts [latent] and the activations [token, latent] that they come from."""
    config = AutoConfig.from_pretrained(folder)
    config.is_causal = False
    model = AutoModel.from_pretrained(folder, config=config, attn_implementation="eager").eval()
    inputs = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.inference_mode():
        states = model(**inputs, output_hidden_states=True).hidden_states[3][0]
        activations = sae.encode(states)
    special = torch.isin(inputs["input_ids"][0], torch.tensor([2, 3]))
    activations = activations[~special]
    zero = torch.zeros(1, N_LATENTS)
    return torch.cat([zero, activations.log1p()]).amax(dim=0), activations


@pytest.mark.parametrize("kind", ["jumprelu", "topk", "gated"])
@pytest.mark.parametrize("family", FAMILIES)
def test_impacts_equal_those_made_by_hand(family: str, kind: str, tmp_path: Path) -> None:
    save_model(tmp_path / "model", family)
    theirs = save_sae(tmp_path / "sae", kind)
    backbone = load_backbone(str(tmp_path / "model"), n_blocks=3, window=64)
    sae = read_sae(tmp_path / "sae").sae
    encoder = SplareEncoder.build(backbone, sae, Card("tiny", window=64, overlap=8))
    found = encoder.encode_documents(TEXTS).toarray()
    encoder.freeze()
    frozen = encoder.encode_documents(TEXTS).toarray()
    left_out = 0
    for row, text in zip([*found, *frozen], TEXTS * 2, strict=True):
        expected, activations = by_hand(tmp_path / "model", theirs, text)
        # nearer to its threshold than rounding can tell: it may fall on either side
        threshold = sae.threshold.clamp_min(0)
        margin = 1e-5 * (1 + threshold)
        near = (activations > 0) & ((activations - threshold).abs() < margin)
        clear = ~near.any(dim=0)
        left_out += int((~clear).sum())
        np.testing.assert_allclose(row[clear], expected[clear], atol=1e-4, rtol=0)
        assert text == "" or (expected > 0).sum() > 5
    assert left_out <= 2e-4 * found.size
