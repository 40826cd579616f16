"""The largest activation of each latent in each segment, in plain torch on any device.

A JumpReLU encoder's latents go block by block, so that every segment is whole within a block; a
TopK encoder's cut needs all latents of a token, so its tokens go part by part.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from torch import Tensor

from .sae import SaeEncoder

BLOCK_BYTES = 64 * 2**20
"""Of pre-activations held at once: about a large GPU's L2 cache, at full speed of the product."""


def segment_max_chunked(
    states: Tensor, lengths: Sequence[int], sae: SaeEncoder, *, block_bytes: int = BLOCK_BYTES
) -> Tensor:
    """Return the largest activations [segment, latent], float32, of states [token, state].

    Zero where no token is active. At most `block_bytes` of pre-activations are held, or those of
    one latent or token.
    """
    with torch.no_grad():
        if sae.top_k is None:
            return _jumprelu(states, lengths, sae, block_bytes)
        return _top_k(states, lengths, sae, block_bytes)


def _jumprelu(states: Tensor, lengths: Sequence[int], sae: SaeEncoder, block_bytes: int) -> Tensor:
    """Return the activations of the largest W·h + b: the bias and θ wait for the maximum."""
    n_latents = len(sae.bias)
    largest = states.new_full((len(lengths), n_latents), -torch.inf)
    width = _per_block(n_latents, len(states) * states.itemsize, block_bytes)
    buffer = states.new_empty(len(states) * width)
    for start in range(0, n_latents, width):
        latents = slice(start, start + width)
        weight = sae.weight[latents]
        block = buffer[: len(states) * len(weight)].view(len(states), len(weight))
        torch.mm(states, weight.T, out=block)
        for tokens, segments, length in _runs(lengths):
            parts = block[tokens].view(-1, length, len(weight))
            torch.amax(parts, dim=1, out=largest[segments, latents])
    return sae.activate(largest.float().add_(sae.bias))


def _runs(lengths: Sequence[int]) -> Iterator[tuple[slice, slice, int]]:
    """Yield tokens, segments and length of neighbouring segments of one length above 0.

    >>> list(_runs([2, 2, 3]))
    [(slice(0, 4, None), slice(0, 2, None), 2), (slice(4, 7, None), slice(2, 3, None), 3)]
    """
    token = segment = 0
    for length, run in groupby(lengths):
        n_segments = len(list(run))
        end = token + n_segments * length
        if length:
            yield slice(token, end), slice(segment, segment + n_segments), length
        token, segment = end, segment + n_segments


def _top_k(states: Tensor, lengths: Sequence[int], sae: SaeEncoder, block_bytes: int) -> Tensor:
    """Return the largest of each token's `top_k`; only these are ever scattered."""
    n_latents, top_k = len(sae.bias), sae.top_k or 0
    largest = torch.zeros(len(lengths) * n_latents, device=states.device)
    floor = sae.threshold.float().clamp_min(0)
    owners = _owners(lengths, states.device)
    n_tokens = _per_block(len(states), n_latents * largest.itemsize, block_bytes)
    for start in range(0, len(states), n_tokens):
        part = slice(start, start + n_tokens)
        values, latents = sae.pre_activations(states[part]).topk(top_k, dim=-1, sorted=False)
        values = torch.where(values > floor[latents], values, 0).float()
        places = owners[part, None] * n_latents + latents
        largest.scatter_reduce_(0, places.flatten(), values.flatten(), "amax")
    return largest.view(len(lengths), n_latents)


def _owners(lengths: Sequence[int], device: torch.device) -> Tensor:
    """Return each token's segment."""
    owners = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths, dtype=torch.long))
    return owners.to(device, non_blocking=True)


def _per_block(total: int, row_bytes: int, block_bytes: int) -> int:
    """Return how many of `total` rows fit in a block, at least one.

    >>> _per_block(100, 8, 64), _per_block(3, 8, 64), _per_block(3, 80, 64)
    (8, 3, 1)
    """
    return max(1, min(total, block_bytes // max(row_bytes, 1)))
