"""One GPU kernel: the SAE's matrix product, with the maximum over each segment as its epilogue.

Tiles cover packed tokens without gaps, so short queries waste no arithmetic; the epilogue walks
the segments that meet a tile. Pre-activations stay in registers: what is written are the passing
maxima, a number per segment and latent instead of one per token and latent.
Latents are the rows of a tile: most of a maximum over its tokens is taken within a thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from subprocess import SubprocessError

import numpy as np
import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.errors import TritonError
from triton.tools.tensor_descriptor import TensorDescriptor

from ..sae.sae import SaeEncoder

GROUP_TILES = 16
"""Token tiles whose states stay in the L2 cache while the weight passes by."""


@dataclass(frozen=True)
class Tile:
    """Tokens and latents of one program, states per step of its loop, and Triton's schedule.

    `has_tma` loads by tensor descriptor, the copy engine of compute capability 9.0 and later.
    """

    tokens: int
    latents: int
    states: int
    n_warps: int
    n_stages: int
    has_tma: bool = False


HOPPER_TILES = (
    Tile(256, 128, 64, n_warps=8, n_stages=4, has_tma=True),
    Tile(128, 256, 64, n_warps=8, n_stages=4, has_tma=True),
    Tile(128, 128, 64, n_warps=4, n_stages=3, has_tma=True),  # two programs share a processor
)
AMPERE_TILES = (
    Tile(128, 256, 32, n_warps=8, n_stages=3),
    Tile(128, 128, 32, n_warps=8, n_stages=4),
)
FLOAT32_TILES = (Tile(64, 64, 16, n_warps=8, n_stages=3),)


def tiles(states: Tensor) -> tuple[Tile, ...]:
    """Return the tiles worth timing for states of this type on their device."""
    if states.dtype == torch.float32:
        return FLOAT32_TILES
    is_hopper = states.is_cuda and torch.cuda.get_device_capability(states.device) >= (9, 0)
    return HOPPER_TILES if is_hopper else AMPERE_TILES


def segment_max_triton(
    states: Tensor, lengths: Sequence[int], sae: SaeEncoder, *, tile: Tile
) -> Tensor:
    """Return the largest activations [segment, latent], float32, of states [token, state].

    Zero where no token is active. `RuntimeError` where the tile can't be built for the device.
    """
    if sae.top_k is not None:
        raise ValueError(f"top_k={sae.top_k}: the kernel has no cut, take segment_max_chunked")
    n_latents, d_in = sae.weight.shape
    maxima = torch.zeros(len(lengths), n_latents, device=states.device)
    if not len(states):
        return maxima
    rows, weight = states.contiguous(), sae.weight.contiguous()
    sides = _described(rows, weight, tile) if tile.has_tma else None
    floor = sae.threshold.float().clamp_min(0)
    bits = maxima.view(torch.int32)  # numbers above 0 are ordered as their bits are
    sizes = (len(states), n_latents, d_in)
    shape = (tile.tokens, tile.latents, tile.states, GROUP_TILES, sides is not None)
    grid = (triton.cdiv(len(states), tile.tokens) * triton.cdiv(n_latents, tile.latents),)
    try:
        _kernel[grid](
            *(sides or (rows, weight)),
            *(sae.bias, floor, *_places(lengths, states.device), bits),
            *sizes,
            *shape,
            num_warps=tile.n_warps,
            num_stages=tile.n_stages,
            enable_fp_fusion=True,
        )
    except (TritonError, SubprocessError, OSError) as error:
        raise RuntimeError(f"{tile} can't be built for {states.device}: {error}") from error
    return maxima


def _described(
    states: Tensor, weight: Tensor, tile: Tile
) -> tuple[TensorDescriptor, TensorDescriptor] | None:
    """Return both sides as tensor descriptors, or None where rows are not 16-byte aligned."""
    if any(side.data_ptr() % 16 or side[0].nbytes % 16 for side in (states, weight)):
        return None
    return (
        TensorDescriptor.from_tensor(states, [tile.tokens, tile.states]),
        TensorDescriptor.from_tensor(weight, [tile.latents, tile.states]),
    )


def _places(lengths: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return where segments begin, with the total at the end, and each token's segment."""
    offsets = np.fromiter(accumulate(lengths, initial=0), dtype=np.int32)
    owners = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    return (
        torch.from_numpy(offsets).to(device, non_blocking=True),
        torch.from_numpy(owners).to(device, non_blocking=True),
    )


# specialized by n_tokens, it would be built anew for batches of a multiple of 16 tokens
@triton.jit(do_not_specialize=["n_tokens"])  # type: ignore[untyped-decorator]
def _kernel(  # noqa: PLR0913, PLR0917  # pointers and sizes
    states: tl.tensor_descriptor,
    weight: tl.tensor_descriptor,
    bias: tl.tensor,
    floor: tl.tensor,
    offsets: tl.tensor,
    owners: tl.tensor,
    maxima: tl.tensor,
    n_tokens: tl.tensor,
    n_latents: tl.tensor,
    d_in: tl.tensor,
    TOKENS: tl.constexpr,
    LATENTS: tl.constexpr,
    STATES: tl.constexpr,
    GROUP: tl.constexpr,
    HAS_TMA: tl.constexpr,
) -> None:
    latent_tiles = tl.cdiv(n_latents, LATENTS)
    group = tl.program_id(0) // (GROUP * latent_tiles)
    place = tl.program_id(0) % (GROUP * latent_tiles)
    group_tiles = tl.minimum(tl.cdiv(n_tokens, TOKENS) - group * GROUP, GROUP)
    token = (group * GROUP + place % group_tiles) * TOKENS
    latent = (place // group_tiles) * LATENTS

    products = tl.zeros((LATENTS, TOKENS), dtype=tl.float32)
    for state in range(0, d_in, STATES):
        left = _block(weight, latent, state, n_latents, d_in, LATENTS, STATES, HAS_TMA)
        right = _block(states, token, state, n_tokens, d_in, TOKENS, STATES, HAS_TMA)
        products = tl.dot(left, right.T, products, input_precision="ieee")

    tokens = token + tl.arange(0, TOKENS)
    latents = latent + tl.arange(0, LATENTS)
    is_latent = latents < n_latents
    shift = tl.load(bias + latents, mask=is_latent, other=0.0).to(tl.float32)
    least = tl.load(floor + latents, mask=is_latent, other=float("inf"))
    first = tl.load(owners + token)
    last = tl.load(owners + tl.minimum(token + TOKENS, n_tokens) - 1)
    target = maxima + first.to(tl.int64) * n_latents + latents
    for segment in range(first, last + 1):
        start = tl.load(offsets + segment)
        end = tl.load(offsets + segment + 1)
        is_own = (tokens >= start) & (tokens < end)
        largest = tl.max(tl.where(is_own[None, :], products, float("-inf")), axis=1) + shift
        bits = largest.to(tl.int32, bitcast=True)
        tl.atomic_max(target, bits, mask=largest > least, sem="relaxed")
        target += n_latents


@triton.jit  # type: ignore[untyped-decorator]
def _block(  # noqa: PLR0913, PLR0917  # inlined
    source: tl.tensor_descriptor,
    row: tl.tensor,
    column: tl.tensor,
    n_rows: tl.tensor,
    n_columns: tl.tensor,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    HAS_TMA: tl.constexpr,
) -> tl.tensor:
    if HAS_TMA:
        block = source.load([row, column])
    else:
        rows = row + tl.arange(0, ROWS)
        columns = column + tl.arange(0, COLUMNS)
        places = rows.to(tl.int64)[:, None] * n_columns + columns[None, :]
        inside = (rows < n_rows)[:, None] & (columns < n_columns)[None, :]
        block = tl.load(source + places, mask=inside, other=0.0)
    return block
