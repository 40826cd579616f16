import pytest
import torch

from splare_os.encode import SaeEncoder
from splare_os.encode.pooling.segment_sum import segment_sum
from tests.encode.pooling.test_segment_max import random_sae


def plain(states: torch.Tensor, lengths: tuple[int, ...], sae: SaeEncoder) -> torch.Tensor:
    """Activate every token, then add up: the definition."""
    parts = states.split(list(lengths))
    return torch.stack([sae.activate(sae.pre_activations(part)).sum(dim=0) for part in parts])


def test_what_stays_below_the_threshold_adds_nothing() -> None:
    sae = SaeEncoder.from_tensors(
        torch.tensor([[1.0], [-1.0]]), torch.tensor([0.0, 0.5]), torch.tensor([1.0, 0.0])
    )
    states = torch.tensor([[2.0], [1.0], [3.0], [-4.0]])
    assert segment_sum(states, (3, 1), sae).tolist() == [[5, 0], [0, 4.5]]


@pytest.mark.parametrize("lengths", [(3,), (8, 8), (30,), (0, 1, 9, 0, 7, 17, 0), (0,)])
@pytest.mark.parametrize("threshold", [-1.0, 0.0, 0.5])
@pytest.mark.parametrize("block_bytes", [1, 800, 0])
def test_blocks_give_the_sums_of_the_definition(
    lengths: tuple[int, ...], threshold: float, block_bytes: int
) -> None:
    sae = random_sae(threshold=threshold)
    states = torch.randn(sum(lengths), 12, generator=torch.Generator().manual_seed(1))
    found = segment_sum(states, lengths, sae, block_bytes=block_bytes)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, plain(states, lengths, sae), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_16_bits_give_the_sums_of_their_own_pre_activations(dtype: torch.dtype) -> None:
    sae = random_sae()
    sae.convert(dtype)
    states = torch.randn(34, 12, generator=torch.Generator().manual_seed(1)).to(dtype)
    found = segment_sum(states, (10, 24), sae)
    torch.testing.assert_close(found, plain(states, (10, 24), sae), atol=1e-5, rtol=1e-5)


def test_no_segments_have_no_sums() -> None:
    assert segment_sum(torch.zeros(0, 12), (), random_sae()).shape == (0, 70)


def test_a_topk_encoder_is_refused() -> None:
    with pytest.raises(ValueError, match="top_k=5: sums have no cut, take active_latents"):
        segment_sum(torch.zeros(1, 12), (1,), random_sae(top_k=5))
