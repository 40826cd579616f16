"""Packed windows to what the latents of each have, and to the token that each impact is from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from ...errors import EncoderError
from ...impacts import Impacts
from ..backbone.backbone import Backbone
from ..packing import Pack, Segments
from ..sae.sae import SaeEncoder
from .pooling import SaePooling
from .segment_max import active_latents, segment_max
from .segment_sum import segment_sum


@dataclass(frozen=True)
class PooledTokens:
    """States of the tokens that count, and what pooling needs to know of them.

    `states` [token, state] lie in `segments`, one a window; `places` [token] are the tokens'
    places in their windows. `active` is what `active_latents` gives for a TopK SAE.
    """

    states: Tensor
    segments: Segments
    places: NDArray[np.int64]
    active: tuple[Tensor, Tensor] | None


def pooled_tokens(
    backbone: Backbone,
    pooling: SaePooling,
    pack: Pack,
    own_places: NDArray[np.int64] | None = None,
) -> PooledTokens:
    """Return the states of all tokens of a pack but the special ones.

    Where each token adds to its text, `own_places` of `Windows` leave out those that a window
    shares with its neighbour.
    """
    states = backbone.packed_states(pack)
    if states.dtype == torch.float16 and not states.isfinite().all():
        raise EncoderError("states overflow float16 in this model: use bfloat16 or float32")
    counts = ~np.isin(pack.ids.numpy(), pooling.unpooled_token_ids)
    if own_places is not None and pooling.rule.sums:
        places, own = pack.positions.numpy(), own_places[pack.windows]
        first, end = np.repeat(own, pack.segments.lengths, axis=0).T
        counts &= (first <= places) & (places < end)
    kept = np.flatnonzero(counts)
    states = pooling.head(states[torch.from_numpy(kept).to(states.device)])
    states = states.to(pooling.sae.weight.dtype)
    before = np.concatenate([[0], np.cumsum(counts)])[list(pack.segments.offsets)]
    segments = Segments(tuple(np.diff(before).tolist()))
    active = None if pooling.sae.top_k is None else active_latents(states, pooling.sae)
    return PooledTokens(states, segments, pack.positions.numpy()[kept], active)


def largest_activations(tokens: PooledTokens, sae: SaeEncoder) -> Tensor:
    """Return [window, latent], float32, on the states' device; nothing is waited for."""
    if tokens.active is None:
        return segment_max(tokens.states, tokens.segments, sae)
    return _scattered(tokens.active, tokens.segments, sae, "amax")


def pooled_activations(tokens: PooledTokens, pooling: SaePooling) -> Tensor:
    """Return [window, latent], the maximum or the sum over tokens; as `largest_activations`."""
    if not pooling.rule.sums:
        return largest_activations(tokens, pooling.sae)
    if tokens.active is None:
        return segment_sum(tokens.states, tokens.segments.lengths, pooling.sae)
    return _scattered(tokens.active, tokens.segments, pooling.sae, "sum")


def _scattered(
    active: tuple[Tensor, Tensor], segments: Segments, sae: SaeEncoder, reduce: str
) -> Tensor:
    """Return [segment, latent] of the few activations that each token has."""
    values, latents = active
    found = values.new_zeros(len(segments.lengths), len(sae.bias))
    owners = torch.tensor(np.repeat(np.arange(len(found)), segments.lengths))
    flat = owners.to(values.device)[:, None] * found.shape[1] + latents
    found.view(-1).scatter_reduce_(0, flat.view(-1), values.view(-1), reduce)
    return found


def to_rows(activations: Tensor, told: Tensor | None = None) -> Impacts:
    """Return the activations [window, latent] above 0 as rows that numpy and scipy read.

    With `told` [window, latent], its numbers in their places.
    """
    rows, latents = activations.nonzero(as_tuple=True)
    values = (activations if told is None else told)[rows, latents].cpu().numpy()
    starts = np.zeros(len(activations) + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows.cpu().numpy(), minlength=len(activations)), out=starts[1:])
    triples = values, latents.cpu().numpy().astype(np.int32), starts
    return csr_array(triples, shape=(len(activations), activations.shape[1]))


def arg_max_tokens(
    tokens: PooledTokens, impacts: Impacts, sae: SaeEncoder
) -> list[NDArray[np.int64]]:
    """Return for each window the place of the token that each of its impacts comes from.

    Only the latents that were kept are computed again: a fraction of the SAE's work.
    """
    found = []
    for window, (first, last) in enumerate(
        zip(tokens.segments.offsets[:-1], tokens.segments.offsets[1:], strict=True)
    ):
        latents = impacts.indices[impacts.indptr[window] : impacts.indptr[window + 1]]
        if not len(latents):
            found.append(np.zeros(0, dtype=np.int64))
            continue
        kept = torch.from_numpy(latents.astype(np.int64)).to(sae.weight.device)
        best = _by_token(tokens, slice(first, last), kept, sae).argmax(dim=0)
        found.append(tokens.places[first:last][best.cpu().numpy()])
    return found


def activations_of(
    tokens: PooledTokens, wanted: Sequence[NDArray[np.int32]], sae: SaeEncoder
) -> tuple[Impacts, list[NDArray[np.int64]]]:
    """Return the largest activations [window, latent] of some latents, and where they come from.

    `wanted` are the latents of each window, ascending. As `largest_activations` and
    `arg_max_tokens`, at the cost of these latents alone; of a TopK encoder, at that of all.
    """
    values, places = [], []
    latents = [np.zeros(0, dtype=np.int32)]
    offsets = tokens.segments.offsets
    for first, last, asked in zip(offsets[:-1], offsets[1:], wanted, strict=True):
        kept = torch.from_numpy(asked.astype(np.int64)).to(sae.weight.device)
        if first == last or not len(kept):
            values.append(np.zeros(0, dtype=np.float32))
            places.append(np.zeros(0, dtype=np.int64))
            latents.append(latents[0])
            continue
        largest, best = _by_token(tokens, slice(first, last), kept, sae).max(dim=0)
        if tokens.active is None:
            largest = largest.float() + sae.bias[kept]
        is_active = (largest > sae.threshold[kept].clamp_min(0)).cpu().numpy()
        values.append(largest.cpu().numpy()[is_active])
        places.append(tokens.places[first:last][best.cpu().numpy()[is_active]])
        latents.append(asked[is_active])
    starts = np.cumsum([len(one) for one in latents])
    triples = np.concatenate([np.zeros(0, np.float32), *values]), np.concatenate(latents), starts
    return csr_array(triples, shape=(len(wanted), len(sae.bias))), places


def _by_token(tokens: PooledTokens, rows: slice, kept: Tensor, sae: SaeEncoder) -> Tensor:
    """Return [token, latent] of the latents `kept`: activations, or products without the bias."""
    if tokens.active is None:
        return torch.mm(tokens.states[rows], sae.weight[kept].T)
    return _active_by_token(tokens.active, rows, kept, len(sae.bias))


def _active_by_token(
    active: tuple[Tensor, Tensor], rows: slice, kept: Tensor, n_latents: int
) -> Tensor:
    """Return the activations [token, latent] of the latents `kept`, 0 where they are not active."""
    values, latents = active[0][rows], active[1][rows]
    column = torch.full((n_latents,), -1, dtype=torch.long, device=kept.device)
    column[kept] = torch.arange(len(kept), device=kept.device)
    places = column[latents]
    table = values.new_zeros(len(values), len(kept) + 1)
    table.scatter_(1, torch.where(places < 0, len(kept), places), values)
    return table[:, :-1]
