"""The largest activation of each latent in each segment, in plain torch on any device.

Latents go block by block, so that every segment is whole within a block. For JumpReLU encoders; a
TopK one's cut needs all latents of a token (`segment_max.active_latents`).
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from torch import Tensor

from ..sae.sae import SaeEncoder

BLOCK_BYTES = 64 * 2**20
"""Of pre-activations held at once: about a large GPU's L2 cache, at full speed of the product."""


def segment_max_chunked(
    states: Tensor, lengths: Sequence[int], sae: SaeEncoder, *, block_bytes: int = BLOCK_BYTES
) -> Tensor:
    """Return the largest activations [segment, latent], float32, of states [token, state].

    Zero where no token is active. At most `block_bytes` of pre-activations are held, or those of
    one latent. Bias and threshold wait for the maximum.
    """
    n_latents = len(sae.bias)
    largest = states.new_full((len(lengths), n_latents), -torch.inf)
    width = per_block(n_latents, len(states) * states.itemsize, block_bytes)
    buffer = states.new_empty(len(states) * width)
    for start in range(0, n_latents, width):
        latents = slice(start, start + width)
        weight = sae.weight[latents]
        block = buffer[: len(states) * len(weight)].view(len(states), len(weight))
        torch.mm(states, weight.T, out=block)
        for tokens, segments, length in runs(lengths):
            parts = block[tokens].view(-1, length, len(weight))
            torch.amax(parts, dim=1, out=largest[segments, latents])
    return sae.activate(largest.float().add_(sae.bias))


def runs(lengths: Sequence[int]) -> Iterator[tuple[slice, slice, int]]:
    """Yield tokens, segments and length of neighbouring segments of one length above 0.

    >>> list(runs([2, 2, 3]))
    [(slice(0, 4, None), slice(0, 2, None), 2), (slice(4, 7, None), slice(2, 3, None), 3)]
    """
    token = segment = 0
    for length, run in groupby(lengths):
        n_segments = len(list(run))
        end = token + n_segments * length
        if length:
            yield slice(token, end), slice(segment, segment + n_segments), length
        token, segment = end, segment + n_segments


def per_block(total: int, row_bytes: int, block_bytes: int) -> int:
    """Return how many of `total` rows fit in a block, at least one.

    >>> per_block(100, 8, 64), per_block(3, 8, 64), per_block(3, 80, 64)
    (8, 3, 1)
    """
    return max(1, min(total, block_bytes // max(row_bytes, 1)))
