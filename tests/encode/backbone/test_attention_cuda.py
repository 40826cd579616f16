from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from torch import Tensor
from torch._dynamo.testing import CompileCounter

from splare_os.encode.backbone import attention_cuda as module
from splare_os.encode.backbone.attention_cuda import seen_blocks, varlen_attention
from splare_os.encode.backbone.sliding_window import within_window
from splare_os.encode.packing import Segments

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
uncompiled = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")

LENGTHS = (1, 130, 40, 7, 200, 1)
ROUNDING = {"rtol": 1e-4, "atol": 5e-5}
"""Of float32 where logits reach 30 and values 8, on whatever processor."""


def plain(tensors: tuple[Tensor, ...], lengths: tuple[int, ...], **options: float | None) -> Tensor:
    """Segment by segment, head by head, in float64: the definition."""
    query, key, value = (tensor.double() for tensor in tensors)
    groups = query.shape[1] // key.shape[1]
    softcap, window = options["softcap"], options["sliding_window"]
    attended = torch.zeros(query.shape, dtype=torch.float64)
    offsets = np.cumsum([0, *lengths]).tolist()
    for (start, end), head in product(pairwise(offsets), range(query.shape[1])):
        keys, values = (tensor[0, head // groups, start:end] for tensor in (key, value))
        logits = query[0, head, start:end] @ keys.T * options["scaling"]
        if softcap is not None:
            logits = softcap * torch.tanh(logits / softcap)
        places = torch.arange(end - start)
        if window is not None:
            logits[(places[:, None] - places).abs() >= window] = -torch.inf
        attended[0, head, start:end] = logits.softmax(dim=-1) @ values
    return attended.transpose(1, 2)


def make(kv_heads: int, width: int, tokens: int) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    heads = (4, kv_heads, kv_heads)
    query, key, value = (torch.randn(1, n_heads, tokens, width) * 2 for n_heads in heads)
    return query, key, value


CASES = [(None, None, 4), (2.0, None, 2), (None, 30, 2), (2.0, 150, 2)]


def options_of(softcap: float | None, window: int | None) -> dict[str, float | None]:
    return {"scaling": 0.3, "softcap": softcap, "sliding_window": window}


@uncompiled
@pytest.mark.parametrize("route", [module._flex, module._plain])
@pytest.mark.parametrize(("softcap", "window", "kv_heads"), CASES)
def test_routes_for_any_logits_equal_the_definition(
    softcap: float | None, window: int | None, kv_heads: int, route: Callable[..., Tensor]
) -> None:
    tensors = make(kv_heads, 24, sum(LENGTHS))
    options = options_of(softcap, window)
    found = route(tensors, LENGTHS, module.Logits(0.3, softcap, window))
    torch.testing.assert_close(found, plain(tensors, LENGTHS, **options).float(), **ROUNDING)


@uncompiled
def test_narrow_heads_and_a_pack_of_less_than_a_block_are_padded() -> None:
    tensors, lengths = make(2, 6, 9), (4, 5)
    found = module._flex(tensors, lengths, module.Logits(0.3, None, None))
    assert found.shape == (1, 9, 4, 6)
    expected = plain(tensors, lengths, **options_of(None, None)).float()
    torch.testing.assert_close(found, expected, **ROUNDING)


@uncompiled
@pytest.mark.parametrize("largest", [0, 10**6])
def test_a_cap_is_kept_whatever_the_size_of_the_pack(
    largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PLAIN_TOKENS", largest)
    tensors, options = make(2, 16, sum(LENGTHS)), options_of(2.0, None)
    found = varlen_attention(*tensors, Segments(LENGTHS), **options)
    expected = plain(tensors, LENGTHS, **options).float()
    torch.testing.assert_close(found, expected, **ROUNDING)


@uncompiled
@pytest.mark.parametrize("largest", [0, 10**6])
def test_what_autocast_left_in_float32_is_of_the_type_of_the_values(
    largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PLAIN_TOKENS", largest)
    query, key, value = make(2, 16, sum(LENGTHS))
    options, value = options_of(None, 30), value.bfloat16()
    halves = varlen_attention(query.bfloat16(), key.bfloat16(), value, Segments(LENGTHS), **options)
    with torch.autocast("cpu", torch.bfloat16):
        found = varlen_attention(query, key, value, Segments(LENGTHS), **options)
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, halves)


@needs_gpu
@pytest.mark.parametrize("softcap", [None, 50.0])
def test_a_long_pack_of_a_decoder_has_gradients_under_autocast(softcap: float | None) -> None:
    lengths = (600, 700, 300)
    query, key, value = (part.cuda() for part in make(2, 64, sum(lengths)))
    trained = query.requires_grad_(), key.requires_grad_(), value.bfloat16().requires_grad_()
    with torch.autocast("cuda", torch.bfloat16):
        options = options_of(softcap, None)
        attended = varlen_attention(*trained, Segments(lengths), **options)
    attended.float().square().sum().backward()
    assert all(part.grad is not None and part.grad.isfinite().all() for part in trained)


def test_packs_of_any_size_share_two_compiled_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    torch._dynamo.reset()
    counter = CompileCounter()
    compiled = torch.compile(module.flex_attention, backend=counter)
    monkeypatch.setattr(module, "_run_flex", lambda _: compiled)
    n_kernels = []
    for n_segments in (1, 20, 35, 50, 64):
        lengths = (7,) * n_segments
        tensors = make(2, 16, sum(lengths))
        with torch.inference_mode():
            found = module._flex(tensors, lengths, module.Logits(0.3, 50.0, None))
        expected = plain(tensors, lengths, **options_of(50.0, None)).float()
        torch.testing.assert_close(found, expected, **ROUNDING)
        n_kernels.append(counter.frame_count)
    assert n_kernels == [1, 1, 1, 2, 2]


@pytest.mark.parametrize("window", [None, 1, 128, 129, 130, 255, 256, 300])
@pytest.mark.parametrize("lengths", [LENGTHS, (600,), (128, 128, 128), (0, 5, 0), (90,) * 7])
def test_blocks_are_those_that_the_tokens_see(lengths: tuple[int, ...], window: int | None) -> None:
    some, all_ = seen_blocks(lengths, window)
    places = torch.arange(len(some) * 128)
    owners = torch.full((len(places),), len(lengths))
    owners[: sum(lengths)] = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths))
    sees = owners[:, None] == owners
    if window is not None:
        sees &= within_window(places[:, None], places, window)
    counts = sees.view(len(some), 128, len(some), 128).sum(dim=(1, 3)).numpy()
    np.testing.assert_array_equal(all_, counts == 128 * 128)
    # a block between two segments' edges may hold no pair within the window
    assert not (some & all_).any()
    assert ((some | all_) >= (counts > 0)).all()
    if window is None:
        np.testing.assert_array_equal(some, (counts > 0) & (counts < 128 * 128))


def test_the_window_is_that_of_transformers_flash_kernels() -> None:
    from transformers.modeling_flash_attention_utils import _process_flash_attention_kwargs

    supported = defaultdict(lambda: True)
    kwargs = _process_flash_attention_kwargs(
        100, 100, sliding_window=8, is_causal=False, supports_mapping=supported
    )
    left, right = kwargs["window_size"]
    places = torch.arange(100)
    away = places - 50
    expected = (away >= -left) & (away <= right)
    assert within_window(torch.tensor(50), places, 8).equal(expected)


def test_the_window_is_that_of_modernberts_mask() -> None:
    from transformers import ModernBertConfig
    from transformers.masking_utils import sliding_window_bidirectional_overlay
    from transformers.models.modernbert.modeling_modernbert import ModernBertAttention

    config = ModernBertConfig(
        hidden_size=8, num_attention_heads=1, num_hidden_layers=2, local_attention=16
    )
    sees = sliding_window_bidirectional_overlay(config.sliding_window)
    bound = ModernBertAttention(config, layer_idx=1).sliding_window
    places = torch.arange(40)
    expected = torch.stack([torch.as_tensor(sees(0, 0, 20, j)) for j in places])
    assert within_window(torch.tensor(20), places, bound).equal(expected)


@needs_gpu
@pytest.mark.parametrize("largest", [0, 10**6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("softcap", "window", "kv_heads"), CASES)
def test_attention_on_a_gpu_equals_the_definition(  # noqa: PLR0913
    softcap: float | None,
    window: int | None,
    kv_heads: int,
    dtype: torch.dtype,
    largest: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PLAIN_TOKENS", largest)
    tensors = tuple(tensor.to(dtype) for tensor in make(kv_heads, 64, sum(LENGTHS)))
    options = options_of(softcap, window)
    with torch.inference_mode():
        on_gpu = (tensor.cuda() for tensor in tensors)
        found = varlen_attention(*on_gpu, Segments(LENGTHS), **options).cpu().double()
    tolerance = 1e-4 if dtype == torch.float32 else 1e-2
    expected = plain(tensors, LENGTHS, **options)
    assert (found - expected).norm() < tolerance * expected.norm()
