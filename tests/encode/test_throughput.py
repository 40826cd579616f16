import pytest
import torch

from splare_os.encode import SplareEncoder
from splare_os.encode.throughput import gemm_peak, measure_throughput, peak_bytes


def test_rates_are_counts_by_seconds(tiny: SplareEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splare_os.encode.throughput.SQUARES", (64,))
    texts = ["the oil crisis", "war"]
    found = measure_throughput(tiny, texts)
    assert (found.model, found.device, found.dtype) == ("tiny", "cpu", "float32")
    assert (found.texts, found.tokens) == (2, 5 + 3)
    assert found.texts_per_s == pytest.approx(2 / found.seconds)
    assert found.tokens_per_s == pytest.approx(8 / found.seconds)
    # two blocks of 2,048 weights, 16 wide attention, and an SAE of 300 latents for 4 tokens
    flop = 2 * 8 * 2 * 2048 + 2 * 4 * 16 * (25 + 9) + 2 * 4 * 16 * 300
    assert found.flop_per_s == pytest.approx(flop / found.seconds)
    assert found.share_of_peak == pytest.approx(found.flop_per_s / found.gemm_peak)


def test_no_texts_are_refused(tiny: SplareEncoder) -> None:
    with pytest.raises(ValueError, match="no texts to encode"):
        measure_throughput(tiny, [])


def test_a_peak_is_a_rate_and_memory_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splare_os.encode.throughput.SQUARES", (64,))
    assert gemm_peak(torch.device("cpu"), torch.float32, (16, 300)) > 1e6
    assert peak_bytes(torch.device("cpu")) > 2**20
