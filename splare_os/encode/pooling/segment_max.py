"""Packed token states to the largest activation of each latent in each segment.

The plain definition is `pooling.max_pool`; this is the same without padding and without ever
holding [token, latent]: blocks of pre-activations are reduced while they are in the cache.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

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
    _reduce(states, segments, (sae.weight, sae.bias), maxima)
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
    _reduce(states, segments, (sae.weight, rounded), maxima)
    return maxima.view(states.dtype).float().add_(sae.bias - rounded.float())


def _reduce(
    states: Tensor, segments: Segments, weights: tuple[Tensor, Tensor], maxima: Tensor
) -> None:
    """Write the maxima of states·weightᵀ + bias, read as numbers of `maxima`'s type."""
    weight, bias = weights
    block_latents = min(BLOCK_BYTES // (BLOCK_TOKENS * weight.itemsize), len(bias))
    buffer = states.new_empty(BLOCK_TOKENS * block_latents)
    blocks = [(block, list(_pieces(segments, block))) for block in _even(len(states), BLOCK_TOKENS)]
    for columns in _even(len(bias), block_latents):
        part, part_bias = weight[columns].T, bias[columns]
        for tokens, pieces in blocks:
            rows = states[tokens]
            block = buffer[: len(rows) * len(part_bias)].view(len(rows), len(part_bias))
            numbers = torch.addmm(part_bias, rows, part, out=block).view(maxima.dtype)
            for segment, first, last, is_begun in pieces:
                target = maxima[segment, columns]
                if is_begun:
                    torch.maximum(target, numbers[first:last].amax(dim=0), out=target)
                else:
                    torch.amax(numbers[first:last], dim=0, out=target)


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
