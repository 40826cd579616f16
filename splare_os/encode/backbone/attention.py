"""Attention over packs: each window attends to itself, in both directions, without padding.

Registered with transformers as the implementation `splare`. Inside `packed(segments)` a model is
given one row that holds many windows; elsewhere it gets padded batches, as ever.
Source: `transformers.AttentionInterface`, `transformers.AttentionMaskInterface`.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from itertools import groupby
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from ...errors import EncoderError
from ..packing import Segments
from .sliding_window import within_window

SPLARE = "splare"
"""The name under which transformers finds this attention."""

Implementation: TypeAlias = Callable[..., tuple[Tensor, Tensor | None]]
"""What transformers calls as it calls `attention`: values, and weights or None."""

_segments: ContextVar[Segments | None] = ContextVar("segments", default=None)


@contextmanager
def packed(segments: Segments) -> Iterator[None]:
    """Have every model called inside read its one row as these segments."""
    token = _segments.set(segments)
    try:
        yield
    finally:
        _segments.reset(token)


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **kwargs: Any,  # noqa: ANN401  # transformers' own
) -> tuple[Tensor, Tensor | None]:
    """Return attention within segments, or transformers' own where nothing is packed.

    Of query, key, value [batch, head, token, dim] it is [batch, token, head, dim].
    """
    softcap = kwargs.get("softcap")
    segments = _segments.get()
    if segments is None:
        plain = "sdpa" if softcap is None else "eager"
        return _of_transformers(plain, module)(module, query, key, value, attention_mask, **kwargs)
    scaling = kwargs.get("scaling") or query.shape[-1] ** -0.5
    reach = None if attention_mask is None else int(attention_mask)
    if reach is not None and reach >= max(segments.lengths):
        reach = None
    options = {"scaling": scaling, "softcap": softcap, "sliding_window": reach}
    if query.is_cuda:
        from .attention_cuda import varlen_attention  # only where there is a GPU

        return varlen_attention(query, key, value, segments, **options), None
    return segment_attention(query, key, value, segments, **options), None


def segment_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    segments: Segments,
    *,
    scaling: float,
    softcap: float | None,
    sliding_window: int | None,
) -> Tensor:
    """Return attention [1, token, head, dim] of packed query, key, value [1, head, token, dim].

    Neighbouring segments of one length share a call. Keys may have fewer heads than queries. A
    token sees those less than `sliding_window` away; logits are capped at ±`softcap`.
    """
    heads, _, width = query.shape[1:]
    dtype = value.dtype  # autocast leaves what rotary positions have turned in float32
    query, key = query.to(dtype), key.to(dtype)
    if query.requires_grad and dtype.itemsize == 2 and query.device.type == "cpu":
        query, key, value = query.float(), key.float(), value.float()  # its gradients are slow
    runs = [(length, len(list(run))) for length, run in groupby(segments.lengths)]
    sizes = [length * times for length, times in runs]
    attended = [query.new_empty(0, heads, width)]
    parts = zip(*(torch.split(tensor, sizes, dim=2) for tensor in (query, key, value)), strict=True)
    with torch.autocast(query.device.type, enabled=False):
        for (length, times), part in zip(runs, parts, strict=True):
            qkv = [_split(tensor, length) for tensor in part]
            mask = _mask(length, sliding_window, query.device)
            if softcap is None:
                out = _sdpa(qkv, mask, scaling)
            else:
                out = _capped(qkv, mask, scaling, softcap)
            attended.append(out.transpose(1, 2).reshape(length * times, heads, width))
    return torch.cat(attended)[None].to(dtype)


def _split(tensor: Tensor, length: int) -> Tensor:
    """Return [1, head, run x length, dim] as [run, head, length, dim], without a copy."""
    return tensor[0].view(tensor.shape[1], -1, length, tensor.shape[3]).transpose(0, 1)


def _sdpa(qkv: list[Tensor], mask: Tensor | None, scaling: float) -> Tensor:
    query, key, value = qkv
    gqa = key.shape[1] != query.shape[1]
    attended: Tensor = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, scale=scaling, enable_gqa=gqa
    )
    return attended


def _capped(qkv: list[Tensor], mask: Tensor | None, scaling: float, softcap: float) -> Tensor:
    query, key, value = qkv
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    logits = torch.matmul(query, key.transpose(2, 3)).mul_(scaling / softcap)
    logits = logits.tanh() * softcap
    if mask is not None:
        logits = logits.masked_fill(~mask, -torch.inf)
    weights = logits.softmax(dim=-1, dtype=torch.float32).to(query.dtype)
    return torch.matmul(weights, value)


@lru_cache(maxsize=4)
def _mask(length: int, sliding_window: int | None, device: torch.device) -> Tensor | None:
    """Return who sees whom [token, token], None where everyone sees all."""
    if sliding_window is None or sliding_window >= length:
        return None
    places = torch.arange(length, device=device)
    return within_window(places[:, None], places, sliding_window)


def attention_mask(
    *,
    kv_length: int,
    mask_function: Callable[..., Tensor],
    **kwargs: Any,  # noqa: ANN401
) -> Tensor | None:
    """Return a model's own sliding window as the first distance that it does not see.

    None where nothing is hidden. A causal mask raises `EncoderError`. Where nothing is packed,
    the result is transformers' mask of numbers.
    """
    if _segments.get() is None:
        return eager_mask(kv_length=kv_length, mask_function=mask_function, **kwargs)
    zero, distances = torch.zeros(1, dtype=torch.long), torch.arange(kv_length)
    behind, ahead = (
        torch.as_tensor(mask_function(zero, zero, *pair)).expand(kv_length)
        for pair in ((distances, zero), (zero, distances))
    )
    if not torch.equal(behind, ahead):
        raise EncoderError(
            "the backbone's attention is causal, an SAE pooling needs both directions: "
            "build it with load_backbone"
        )
    return None if bool(ahead.all()) else ahead.sum()


def _of_transformers(name: str, module: nn.Module) -> Implementation:
    """Return the `eager` of the model's own file, or the shared implementation `name`."""
    own = getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)
    if name == "eager":
        if own is None:
            raise EncoderError(
                f"{type(module).__name__} caps its attention logits, and transformers has no "
                "plain attention for it: this backbone is not supported"
            )
        return cast(Implementation, own)
    return cast(Implementation, ALL_ATTENTION_FUNCTIONS[name])


AttentionInterface.register(SPLARE, attention)
AttentionMaskInterface.register(SPLARE, attention_mask)
