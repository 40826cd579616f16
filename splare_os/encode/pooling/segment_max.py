"""Packed token states to the largest activation of each latent in each segment.

The plain definition is `pooling.max_pool`; this is the same without padding and without ever
holding [token, latent]: blocks of pre-activations are reduced while they are in the cache.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Tensor

from ..blocked import blocked_linear, filled_up, is_blockable, to_blocked
from ..packing import Segments
from ..sae.sae import SaeEncoder

BLOCK_TOKENS = 512
BLOCK_BYTES = 4 * 2**20
"""Of pre-activations held at once: what stays in a processor's cache."""


def segment_max(states: Tensor, segments: Segments, sae: SaeEncoder) -> Tensor:
    """Return the largest activations [segment, latent], float32, of states [token, state].

    For a JumpReLU encoder; a TopK one has `active_latents`. Zero where no token is active.
    """
    if states.is_cuda:
        from .segment_max_cuda import segment_max_cuda  # Triton, only where there is a GPU

        return segment_max_cuda(states, segments.lengths, sae)
    if states.itemsize == 2:
        return sae.activate(_rounded_maxima(states, segments, sae))
    return sae.activate(_maxima(states, segments, sae))


def _maxima(states: Tensor, segments: Segments, sae: SaeEncoder) -> Tensor:
    """Return the largest pre-activations [segment, latent]; -inf in a segment without tokens."""
    maxima = states.new_full((len(segments.lengths), len(sae.bias)), -torch.inf)
    _reduce(states, segments, _products(states, sae, sae.bias), maxima)
    return maxima


def _rounded_maxima(states: Tensor, segments: Segments, sae: SaeEncoder) -> Tensor:
    """Return what `_maxima` does, for states of 16 bits; some value ≤ 0 where all are ≤ 0.

    Positive floating-point numbers are ordered as their bits are, and every negative one is
    below them: the maximum is taken over int16, at twice the speed. The bias is rounded inside the
    product, and what rounding did is undone once a segment; it is rounded up where undoing could
    otherwise lift what is ≤ 0 over the threshold.
    """
    shape = len(segments.lengths), len(sae.bias)
    maxima = states.new_full(shape, -torch.inf).view(torch.int16)
    rounded = sae.bias.to(states.dtype)
    above = torch.nextafter(rounded, torch.full_like(rounded, torch.inf))
    reaches = sae.bias - rounded.float() >= sae.threshold.clamp_min(0)
    rounded = torch.where(reaches & (rounded.float() < sae.bias), above, rounded)
    _reduce(states, segments, _products(states, sae, rounded), maxima)
    return maxima.view(states.dtype).float().add_(sae.bias - rounded.float())


def lay_out(sae: SaeEncoder) -> None:
    """Keep the weight as this processor multiplies it fastest, beside the rows that spans need."""
    if sae.top_k is None and is_blockable(sae.weight):
        sae.blocked = [(part, to_blocked(sae.weight[part])) for part in _parts(sae.weight)]


def _parts(weight: Tensor) -> list[slice]:
    """Return the latents whose pre-activations are computed together."""
    return _even(len(weight), BLOCK_BYTES // (BLOCK_TOKENS * weight.itemsize))


Product: TypeAlias = Callable[[Tensor], Tensor]
"""Of rows [token, state]; what it returns is valid until the next call."""


def _products(states: Tensor, sae: SaeEncoder, bias: Tensor) -> Iterator[tuple[slice, Product]]:
    """Yield latents, and what computes their states·weightᵀ + bias."""
    if sae.blocked:
        for part, blocked in sae.blocked:
            yield part, partial(blocked_linear, blocked=blocked, bias=bias[part])
        return
    parts = _parts(sae.weight)
    buffer = states.new_empty(
        BLOCK_TOKENS * max((one.stop - one.start for one in parts), default=0)
    )
    for part in parts:
        yield part, partial(_product, weight=sae.weight[part].T, bias=bias[part], buffer=buffer)


def _product(rows: Tensor, weight: Tensor, bias: Tensor, buffer: Tensor) -> Tensor:
    block = buffer[: len(rows) * len(bias)].view(len(rows), len(bias))
    return torch.addmm(bias, rows, weight, out=block)


def _reduce(
    states: Tensor,
    segments: Segments,
    products: Iterator[tuple[slice, Product]],
    maxima: Tensor,
) -> None:
    """Write the maxima of pre-activations, read as numbers of `maxima`'s type."""
    states = filled_up(states)
    blocks = [(block, list(_pieces(segments, block))) for block in _blocks(len(states))]
    for columns, product in products:
        for tokens, pieces in blocks:
            numbers = product(states[tokens]).view(maxima.dtype)
            for segment, first, last, is_begun in pieces:
                target = maxima[segment, columns]
                if is_begun:
                    torch.maximum(target, numbers[first:last].amax(dim=0), out=target)
                else:
                    torch.amax(numbers[first:last], dim=0, out=target)


def _blocks(n_tokens: int) -> list[slice]:
    """Return slices of `BLOCK_TOKENS` that cover `n_tokens`, the last of what is left.

    >>> _blocks(576)
    [slice(0, 512, None), slice(512, 576, None)]
    """
    starts = range(0, n_tokens, BLOCK_TOKENS)
    return [slice(start, min(start + BLOCK_TOKENS, n_tokens)) for start in starts]


def _even(total: int, at_most: int) -> list[slice]:
    """Return the fewest slices of nearly equal length ≤ `at_most` that cover `total`.

    >>> _even(5, 4)
    [slice(0, 3, None), slice(3, 5, None)]
    """
    n_slices = -(-total // at_most)
    size = -(-total // max(n_slices, 1))
    return [slice(start, min(start + size, total)) for start in range(0, total, max(size, 1))]


def _pieces(segments: Segments, block: slice) -> Iterator[tuple[int, int, int, bool]]:
    """Yield (segment, first row, end, begun before) of the parts of segments within a block."""
    for segment, (start, end) in enumerate(pairwise(segments.offsets)):
        first, last = max(start, block.start), min(end, block.stop)
        if first < last:
            yield segment, first - block.start, last - block.start, start < block.start


def active_latents(states: Tensor, sae: SaeEncoder) -> tuple[Tensor, Tensor]:
    """Return activations and latents [token, top_k] of a TopK encoder for states [token, state].

    Activations are float32; zero where fewer than `top_k` latents are active.
    """
    if sae.top_k is None:
        raise ValueError("sae has no top_k: it is no TopK encoder, take segment_max")
    none = states.new_zeros(0, sae.top_k)
    values, latents = [none.float()], [none.long()]
    for rows in _even(len(states), BLOCK_TOKENS):
        largest, places = sae.pre_activations(states[rows]).topk(sae.top_k, dim=-1)
        threshold = sae.threshold[places].clamp_min(0)
        values.append(torch.where(largest > threshold, largest, 0).float())
        latents.append(places)
    return torch.cat(values), torch.cat(latents)
