"""Packed token states to the sum of each latent's activations in each segment, on any device.

The plain definition is `pooling.pool`; this is the same without padding and without holding
[token, latent]. A sum does not commute with the threshold as a maximum does, so every
pre-activation gets its bias and meets its threshold, in float32, while its block is in the cache.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..blocked import filled_up
from ..sae.sae import SaeEncoder
from .segment_max import BLOCK_BYTES as CPU_BLOCK_BYTES
from .segment_max_chunked import BLOCK_BYTES, per_block, runs


def segment_sum(
    states: Tensor, lengths: Sequence[int], sae: SaeEncoder, *, block_bytes: int = 0
) -> Tensor:
    """Return the sums of activations [segment, latent], float32, of states [token, state].

    For a JumpReLU encoder; a TopK one has `segment_max.active_latents`. Zero where no token is
    active. At most `block_bytes` of pre-activations are held, or those of one latent; 0: what
    suits the device.
    """
    if sae.top_k is not None:
        raise ValueError(f"top_k={sae.top_k}: sums have no cut, take active_latents")
    n_latents, states = len(sae.bias), filled_up(states)
    sums = torch.zeros(len(lengths), n_latents, device=states.device)
    room = block_bytes or (BLOCK_BYTES if states.is_cuda else CPU_BLOCK_BYTES)
    width = per_block(n_latents, len(states) * sums.itemsize, room)
    floor = sae.threshold.clamp_min(0)
    for start in range(0, n_latents, width):
        latents = slice(start, start + width)
        block = torch.mm(states, sae.weight[latents].T).float().add_(sae.bias[latents])
        block.mul_(block > floor[latents])
        for tokens, segments, length in runs(lengths):
            parts = block[tokens].view(-1, length, block.shape[1])
            torch.sum(parts, dim=1, out=sums[segments, latents])
    return sums
