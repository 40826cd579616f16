from pathlib import Path

import pytest
import torch
from torch import Tensor

from splare_os.encode import Card, SaeEncoder, SplareEncoder, load_backbone
from splare_os.encode.packing import Segments
from splare_os.encode.pooling.gradient import trainable_maxima
from tests.models import save_model

TEXTS = ["oil crisis price war", "the river of oil embargo, war? " * 3, "a", "price of the price"]
FAMILIES = ["bert", "gemma2", "gemma3_text", "llama", "modernbert", "qwen2", "qwen3"]


def build(folder: Path, family: str, *, dtype: torch.dtype = torch.float32) -> SplareEncoder:
    save_model(folder, family)
    generator = torch.Generator().manual_seed(1)
    sae = SaeEncoder.from_tensors(
        torch.randn(100, 16, generator=generator), torch.zeros(100), torch.full((100,), 1.0)
    )
    backbone = load_backbone(str(folder), n_blocks=3, window=64, dtype=dtype)
    encoder = SplareEncoder.build(backbone, sae, Card("tiny", window=64, overlap=8))
    for parameter in encoder.model.parameters():
        parameter.requires_grad = True
    encoder.pooling.sae.threshold.requires_grad = False
    return encoder


def gradients(encoder: SplareEncoder, *, training: bool) -> tuple[Tensor, dict[str, Tensor]]:
    """Impacts and gradients of a random sum of them; padded and plain, or packed as in training."""
    model = encoder.model.train(training)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    model.zero_grad()
    impacts = model(model.preprocess(TEXTS))["sentence_embedding"]
    weights = torch.randn(impacts.shape, generator=torch.Generator().manual_seed(2))
    (impacts * weights).sum().backward()
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    return impacts.detach(), found


@pytest.mark.parametrize("family", FAMILIES)
def test_the_packed_route_has_the_gradients_of_the_padded_one(family: str, tmp_path: Path) -> None:
    encoder = build(tmp_path, family)
    impacts, expected = gradients(encoder, training=False)
    ours, found = gradients(encoder, training=True)
    assert impacts.count_nonzero() > 50
    torch.testing.assert_close(ours, impacts, atol=1e-5, rtol=1e-5)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        scale = float(gradient.abs().max())
        torch.testing.assert_close(found[name], gradient, atol=1e-4 * scale + 1e-6, rtol=1e-3)


def test_a_gradient_flows_to_the_token_of_the_maximum_alone() -> None:
    sae = SaeEncoder.from_tensors(torch.tensor([[2.0]]), torch.zeros(1), torch.zeros(1))
    states = torch.tensor([[1.0], [3.0], [-1.0]], requires_grad=True)
    maxima = trainable_maxima(states, Segments((2, 1)), sae)
    maxima.sum().backward()
    assert maxima.tolist() == [[6.0], [0.0]]
    assert states.grad is not None
    assert states.grad.tolist() == [[0.0], [2.0], [0.0]]


def test_a_frozen_sae_gets_no_gradient() -> None:
    sae = SaeEncoder.from_tensors(torch.ones(2, 1), torch.zeros(2), torch.zeros(2))
    states = torch.ones(1, 1, requires_grad=True)
    trainable_maxima(states, Segments((1,)), sae).sum().backward()
    assert all(parameter.grad is None for parameter in sae.parameters())


def test_bfloat16_gradients_are_near_those_of_float32(tmp_path: Path) -> None:
    encoder = build(tmp_path, "bert")
    _, expected = gradients(encoder, training=True)
    with torch.autocast("cpu", torch.bfloat16):
        _, found = gradients(encoder, training=True)
    exact = torch.cat([gradient.flatten() for gradient in expected.values()])
    rough = torch.cat([found[name].flatten() for name in expected])
    assert torch.nn.functional.cosine_similarity(rough, exact, dim=0) > 0.98


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_state_that_is_not_finite_shows(bad: float) -> None:
    sae = SaeEncoder.from_tensors(-torch.ones(2, 1), torch.zeros(2), torch.zeros(2))
    states = torch.tensor([[1.0], [bad]])
    assert trainable_maxima(states, Segments((1, 1)), sae).isnan().all()
