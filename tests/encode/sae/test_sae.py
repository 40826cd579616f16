import pytest
import torch

from splare_os.encode import SaeEncoder

STATES = torch.tensor([[1.0, 3.0], [2.0, 5.0], [4.0, -1.0]])


def encoder(*, top_k: int | None = None) -> SaeEncoder:
    thresholds = torch.tensor([1.5, -2.0])  # below 0 it is none
    return SaeEncoder.from_tensors(torch.eye(2), torch.zeros(2), thresholds, top_k=top_k)


def test_what_exceeds_a_threshold_is_left_of_relu() -> None:
    sae = encoder()
    assert sae.activate(sae.pre_activations(STATES)).tolist() == [[0, 3], [2, 5], [4, 0]]
    sae.make_relu()
    assert sae.activate(sae.pre_activations(STATES)).tolist() == [[0, 3], [0.5, 5], [2.5, 0]]
    assert (sae.bias.tolist(), sae.threshold.tolist()) == ([-1.5, 0], [0, 0])


def test_a_top_k_encoder_cannot_become_relu() -> None:
    sae = encoder(top_k=1)
    with pytest.raises(ValueError, match=r"a TopK SAE \(k=1\) can't become ReLU"):
        sae.make_relu()
    assert sae.bias.tolist() == [0, 0]
