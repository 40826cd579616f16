import pytest
import torch

from splare_os.encode import SaeEncoder
from splare_os.encode.blocked import is_blockable
from splare_os.encode.packing import Segments
from splare_os.encode.pooling import segment_max as module
from splare_os.encode.pooling.segment_max import active_latents, lay_out, segment_max


def random_sae(*, top_k: int | None = None, threshold: float = 0.5) -> SaeEncoder:
    generator = torch.Generator().manual_seed(0)
    return SaeEncoder.from_tensors(
        torch.randn(70, 12, generator=generator),
        torch.randn(70, generator=generator),
        torch.full((70,), threshold),
        top_k=top_k,
    )


def plain(states: torch.Tensor, segments: Segments, sae: SaeEncoder) -> torch.Tensor:
    parts = states.split(list(segments.lengths))
    zero = torch.zeros(1, 70)
    rows = [torch.cat([zero, sae.activate(sae.pre_activations(part)).float()]) for part in parts]
    return torch.stack([row.amax(dim=0) for row in rows])


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_TOKENS", 8)
    monkeypatch.setattr(module, "BLOCK_BYTES", 8 * 16 * 4)


@pytest.mark.parametrize("lengths", [(3,), (8, 8), (30,), (0, 1, 9, 0, 7, 17, 0), (0,), ()])
@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_blocks_give_the_maxima_of_the_definition(
    lengths: tuple[int, ...], threshold: float
) -> None:
    segments, sae = Segments(lengths), random_sae(threshold=threshold)
    states = torch.randn(sum(lengths), 12, generator=torch.Generator().manual_seed(1))
    found = segment_max(states, segments, sae)
    assert found.shape == (len(lengths), 70)
    if lengths:
        torch.testing.assert_close(found, plain(states, segments, sae), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("lengths", [(3,), (8, 8), (0, 1, 9, 0, 7, 17, 0), (0,), ()])
def test_a_weight_laid_out_gives_the_same(lengths: tuple[int, ...], dtype: torch.dtype) -> None:
    segments, sae = Segments(lengths), random_sae()
    sae.convert(dtype)
    states = torch.randn(sum(lengths), 12, generator=torch.Generator().manual_seed(1)).to(dtype)
    expected = segment_max(states, segments, sae)
    lay_out(sae)
    assert len(sae.blocked) == (5 if dtype == torch.float32 else 3) * is_blockable(sae.weight)
    found = segment_max(states, segments, sae)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    if dtype == torch.bfloat16:
        assert torch.equal(found, expected)
    sae.convert(torch.float32)
    assert sae.blocked == []


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("lengths", [(3,), (30,), (0, 1, 9, 0, 7, 17, 0), (0,)])
def test_16_bits_are_within_their_rounding_of_float32(
    lengths: tuple[int, ...], dtype: torch.dtype
) -> None:
    segments, sae = Segments(lengths), random_sae(threshold=0.0)
    states = torch.randn(sum(lengths), 12, generator=torch.Generator().manual_seed(1)).to(dtype)
    exact = random_sae(threshold=0.0)
    exact.weight.data = exact.weight.data.to(dtype).float()
    expected = plain(states.float(), segments, exact)
    sae.convert(dtype)
    found = segment_max(states, segments, sae)
    torch.testing.assert_close(found, expected, atol=0.03, rtol=2**-7)
    assert not found[[length == 0 for length in lengths]].any()


def test_a_second_token_below_zero_takes_nothing_from_the_first() -> None:
    sae = SaeEncoder.from_tensors(torch.ones(1, 1), torch.tensor([100.7]), torch.zeros(1))
    sae.convert(torch.bfloat16)  # 100.7 lies between 100.5 and 101
    states = torch.tensor([[-100.5], [-110.0]], dtype=torch.bfloat16)
    alone = segment_max(states[:1], Segments((1,)), sae)
    assert alone.item() == pytest.approx(0.2, abs=1e-5)
    assert segment_max(states, Segments((2,)), sae).item() == alone.item()


def test_what_rounding_does_to_the_bias_is_undone() -> None:
    sae = SaeEncoder.from_tensors(
        torch.ones(1, 12), torch.tensor([100.3]), torch.tensor([100.4])
    )  # 100.3 is 100.5 in bfloat16, and would pass
    sae.convert(torch.bfloat16)
    states = torch.zeros(2, 12, dtype=torch.bfloat16)
    assert segment_max(states, Segments((2,)), sae).tolist() == [[0.0]]


def test_a_topk_encoder_keeps_its_largest_latents_of_each_token() -> None:
    sae = random_sae(top_k=5)
    states = torch.randn(20, 12, generator=torch.Generator().manual_seed(1))
    values, latents = active_latents(states, sae)
    dense = torch.zeros(20, 70).scatter_(1, latents, values)
    expected = sae.activate(sae.pre_activations(states))
    torch.testing.assert_close(dense, expected, atol=1e-5, rtol=1e-5)
    assert 0 < (expected > 0).sum(dim=1).max() <= 5


def test_an_encoder_without_topk_is_refused_where_one_is_needed() -> None:
    with pytest.raises(ValueError, match="no TopK encoder, take segment_max"):
        active_latents(torch.zeros(1, 12), random_sae())
