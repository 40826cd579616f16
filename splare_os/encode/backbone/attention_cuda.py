"""Attention within segments on a GPU: flash kernels, or a compiled one where logits are capped.

Torch's flash attention knows neither a soft cap nor float32, and without its cap a model is
another one. `flex_attention` has both, once compiled; packs too small to wait for that are
attended to plainly.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.nn.attention.flex_attention import BlockMask, flex_attention

from .sliding_window import within_window

if TYPE_CHECKING:
    from ..packing import Segments

BLOCK_TOKENS = 128
"""The compiled kernel reads or skips blocks of so many tokens."""
SMALLEST_WIDTH = 16
"""Of a head in the compiled kernel: the matrix units' smallest step."""
PLAIN_TOKENS = 1024
"""Tokens up to which all logits are held, a few MiB a head, and nothing is compiled."""

QueryKeyValue = tuple[Tensor, Tensor, Tensor]
"""Query [1, head, token, dim]; key and value, which may have fewer heads."""


@dataclass(frozen=True)
class Logits:
    """How logits come about: their scale, their cap, and how far a token sees."""

    scaling: float
    softcap: float | None
    sliding_window: int | None


def varlen_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    segments: "Segments",
    *,
    scaling: float,
    softcap: float | None,
    sliding_window: int | None,
) -> Tensor:
    """Return attention [1, token, head, dim] of packed query, key, value [1, head, token, dim].

    Both directions within a segment, none across. Keys may have fewer heads than queries. Logits
    are capped at ±`softcap`; for `sliding_window` see `within_window`.
    """
    dtype = value.dtype  # autocast leaves what rotary positions have turned in float32
    tensors = query.to(dtype), key.to(dtype), value
    route = _flex
    if softcap is None and _is_flash(tensors[0]):
        route = _flash
    elif query.shape[2] <= PLAIN_TOKENS:
        route = _plain
    with torch.autocast(query.device.type, enabled=False):
        return route(tensors, segments.lengths, Logits(scaling, softcap, sliding_window))


def _is_flash(query: Tensor) -> bool:
    """Return whether the flash kernels take these: half precision, compute capability ≥ 8.0."""
    return (
        query.is_cuda
        and query.dtype in (torch.float16, torch.bfloat16)
        and query.shape[-1] % 8 == 0
        and query.shape[-1] <= 256
        and torch.cuda.get_device_capability(query.device) >= (8, 0)
        and _varlen_attn() is not None
    )


@lru_cache(maxsize=1)
def _varlen_attn() -> Callable[..., Tensor] | None:
    """Return torch's own, or None of a version that lacks it, its scale or its window."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    parameters = inspect.signature(varlen_attn).parameters
    is_whole = {"scale", "window_size"} <= parameters.keys()
    return cast(Callable[..., Tensor], varlen_attn) if is_whole else None


@lru_cache(maxsize=1)
def _takes_fewer_keys() -> bool:
    run = _varlen_attn()
    return run is not None and "enable_gqa" in inspect.signature(run).parameters


def _flash(tensors: QueryKeyValue, lengths: tuple[int, ...], logits: Logits) -> Tensor:
    options: dict[str, Any] = {"scale": logits.scaling}
    if logits.sliding_window is not None:
        options["window_size"] = (logits.sliding_window - 1,) * 2  # theirs is inclusive
    if _takes_fewer_keys():
        options["enable_gqa"] = True
    else:
        tensors = _with_all_heads(tensors)
    offsets, longest = _offsets(lengths, tensors[0].device), max(lengths)
    rows = [tensor[0].transpose(0, 1) for tensor in tensors]
    run = cast(Callable[..., Tensor], _varlen_attn())
    return run(*rows, offsets, offsets, longest, longest, **options)[None]


def _plain(tensors: QueryKeyValue, lengths: tuple[int, ...], logits: Logits) -> Tensor:
    """Return the attention by its definition; all logits [head, token, token] are held."""
    query, key, value = (tensor.float() for tensor in _with_all_heads(tensors))
    owners = _owners(lengths, query.device)
    sees = owners[:, None] == owners
    if logits.sliding_window is not None:
        places = torch.arange(len(owners), device=query.device)
        sees &= within_window(places[:, None], places, logits.sliding_window)
    scores = torch.matmul(query, key.mT) * logits.scaling
    if logits.softcap is not None:
        scores = torch.tanh(scores / logits.softcap) * logits.softcap
    weights = scores.masked_fill(~sees, -torch.inf).softmax(dim=-1)
    return torch.matmul(weights, value).transpose(1, 2).to(tensors[0].dtype)


def _flex(tensors: QueryKeyValue, lengths: tuple[int, ...], logits: Logits) -> Tensor:
    """Return the attention of tensors padded to whole blocks, whose padding sees only itself."""
    query, key, _ = tensors
    tokens, width = query.shape[2:]
    mask = _block_mask(lengths, logits.sliding_window, query.device)
    padding = (0, max(SMALLEST_WIDTH - width, 0), 0, mask.shape[-1] - tokens)
    if any(padding):
        tensors = cast(QueryKeyValue, tuple(functional.pad(part, padding) for part in tensors))
    # a cap or scale that differs from the last model's would else become a symbol, which fails;
    # each model has a kernel or two for its first pack and for all others
    with torch._dynamo.config.patch(specialize_float=True, recompile_limit=64):
        attended = _run_flex(query.device.type)(
            *tensors,
            score_mod=None if logits.softcap is None else _capped(logits.softcap),
            block_mask=mask,
            scale=logits.scaling,
            enable_gqa=key.shape[1] != query.shape[1],
            kernel_options={"FORCE_USE_FLEX_ATTENTION": True},  # decoding's kernel takes less
        )
    return attended[:, :, :tokens, :width].transpose(1, 2)


@lru_cache(maxsize=2)
def _run_flex(device: str) -> Callable[..., Tensor]:
    """Return flex attention, compiled for a GPU; on a processor it serves tests."""
    run = torch.compile(flex_attention) if device == "cuda" else flex_attention
    return cast(Callable[..., Tensor], run)


@lru_cache(maxsize=4)
def _capped(softcap: float) -> Callable[..., Tensor]:
    """Return the function that caps a logit; the same one each time, else it is compiled anew."""

    def cap(score: Tensor, *_: Tensor) -> Tensor:
        return torch.tanh(score / softcap) * softcap

    return cap


@lru_cache(maxsize=4)
def _block_mask(
    lengths: tuple[int, ...], sliding_window: int | None, device: torch.device
) -> BlockMask:
    """Return which blocks see which, for all layers of a pack."""
    some, all_ = seen_blocks(lengths, sliding_window)
    owners = functional.pad(
        _owners(lengths, device), (0, len(some) * BLOCK_TOKENS - sum(lengths)), value=len(lengths)
    )

    def sees(_batch: Tensor, _head: Tensor, i: Tensor, j: Tensor) -> Tensor:
        same = owners[i] == owners[j]
        return same if sliding_window is None else same & within_window(i, j, sliding_window)

    blocks = (*_listed(some, device), *_listed(all_, device))
    return BlockMask.from_kv_blocks(*blocks, BLOCK_SIZE=BLOCK_TOKENS, mask_mod=sees)


def seen_blocks(
    lengths: tuple[int, ...], sliding_window: int | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return, by block of queries and block of keys, where some but not all see, and where all.

    At least two blocks: the compiler takes a single one for a constant.
    """
    n_blocks = max(2, -(-sum(lengths) // BLOCK_TOKENS))
    owners = np.full(n_blocks * BLOCK_TOKENS, len(lengths))
    owners[: sum(lengths)] = np.repeat(np.arange(len(lengths)), lengths)
    first, last = owners[::BLOCK_TOKENS], owners[BLOCK_TOKENS - 1 :: BLOCK_TOKENS]
    some = (first[:, None] <= last) & (first <= last[:, None])
    all_ = some & (first == last) & (first == last)[:, None]
    if sliding_window is not None:
        blocks = np.arange(n_blocks)
        distance = BLOCK_TOKENS * np.abs(blocks[:, None] - blocks)
        some &= distance - BLOCK_TOKENS + 1 < sliding_window
        all_ &= distance + BLOCK_TOKENS - 1 < sliding_window
    return some & ~all_, all_


def _listed(blocks: NDArray[np.bool_], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return how many key blocks each query block has, and their numbers, those first."""
    numbers = np.argsort(~blocks, axis=1, kind="stable").astype(np.int32)
    counts = blocks.sum(axis=1, dtype=np.int32)
    return (
        torch.from_numpy(counts)[None, None].to(device, non_blocking=True),
        torch.from_numpy(numbers)[None, None].to(device, non_blocking=True),
    )


@lru_cache(maxsize=4)
def _offsets(lengths: tuple[int, ...], device: torch.device) -> Tensor:
    """Return where segments begin, with the total at the end: one copy for all layers."""
    offsets = np.cumsum([0, *lengths], dtype=np.int32)
    return torch.from_numpy(offsets).to(device, non_blocking=True)


@lru_cache(maxsize=4)
def _owners(lengths: tuple[int, ...], device: torch.device) -> Tensor:
    """Return each token's segment."""
    owners = np.repeat(np.arange(len(lengths)), lengths)
    return torch.from_numpy(owners).to(device, non_blocking=True)


def _with_all_heads(tensors: QueryKeyValue) -> QueryKeyValue:
    """Return these with a key and a value head for each query head."""
    query, key, value = tensors
    groups = query.shape[1] // key.shape[1]
    if groups == 1:
        return tensors
    return query, key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
