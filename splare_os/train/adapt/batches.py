"""Texts to batches with masked tokens: what a language model is adapted on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypedDict, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase

from ...encode.packing import Pack, Segments, pack
from ...encode.windows import Windows, split
from ...errors import TrainingError

log = logging.getLogger(__name__)

SHORTEST = 2
"""Tokens, special ones aside, that a text must have: one to predict, one to predict it from."""


class Batch(TypedDict):
    """A row [1, token] of windows without padding, and the `targets` at its masked `places`."""

    input_ids: Tensor
    position_ids: Tensor
    segments: Segments
    places: Tensor
    targets: Tensor


@dataclass(frozen=True, slots=True)
class Masking:
    """Which tokens are masked, and how: BERT's 80 % mask, 10 % random, 10 % as they are.

    With `from_previous`, as in masked next-token prediction, the first token of a window, which
    no state comes before, stays as it is. Source: arXiv 1810.04805, arXiv 2404.05961.
    """

    share: float
    mask_id: int
    vocabulary: int
    special: frozenset[int]
    from_previous: bool

    def apply(self, pack: Pack, seed: int) -> Batch:
        """Return `pack` with `share` of its tokens masked, at least one: equal for equal seeds."""
        chance = torch.Generator().manual_seed(seed)
        candidates = ~torch.isin(pack.ids, torch.tensor(sorted(self.special)))
        if self.from_previous:
            candidates &= pack.positions > 0
        open_places = candidates.nonzero().squeeze(1)
        n = max(1, round(self.share * len(open_places)))
        order = torch.randperm(len(open_places), generator=chance)
        places = open_places[order[:n]].sort().values
        ids, fate = pack.ids.clone(), torch.rand(len(places), generator=chance)
        random = torch.randint(self.vocabulary, places.shape, generator=chance)
        ids[places[fate < 0.9]] = random[fate < 0.9]
        ids[places[fate < 0.8]] = self.mask_id
        return Batch(
            input_ids=ids[None],
            position_ids=pack.positions[None],
            segments=pack.segments,
            places=places,
            targets=pack.ids[places],
        )

    def can_mask(self, ids: Sequence[int]) -> bool:
        """Return whether a window has a token that may be masked."""
        return any(token not in self.special for token in ids[int(self.from_previous) :])


class MaskedBatches(Dataset[Batch]):
    """Batches of at most `max_tokens` tokens (or one window), each a function of its number."""

    def __init__(
        self, windows: Windows, masking: Masking, groups: list[NDArray[np.int64]], *, seed: int
    ) -> None:
        self.windows, self.masking, self.groups, self.seed = windows, masking, groups, seed

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, number: int) -> Batch:
        """Return batch `number`, its tokens masked anew in each pass over the texts."""
        return self.masking.apply(
            pack(self.windows, self.groups[number]), seed=(self.seed << 32) + number
        )


def shuffled(
    windows: Windows, masking: Masking, *, max_tokens: int, n_groups: int, seed: int
) -> list[NDArray[np.int64]]:
    """Return `n_groups` groups of windows: pass after pass over all, each in a new order.

    Within a group windows are sorted by length: those of one length share a call of attention.
    """
    rng, groups = np.random.default_rng(seed), list[NDArray[np.int64]]()
    while len(groups) < n_groups:
        groups.extend(_cut(windows, masking, rng.permutation(len(windows.ids)), max_tokens))
    return groups[:n_groups]


def once(windows: Windows, masking: Masking, *, max_tokens: int) -> list[NDArray[np.int64]]:
    """Return all windows in groups, in their order."""
    return _cut(windows, masking, np.arange(len(windows.ids)), max_tokens)


def _cut(
    windows: Windows, masking: Masking, order: NDArray[np.int64], max_tokens: int
) -> list[NDArray[np.int64]]:
    """Return the windows in groups; one without a token to mask is left out, for it has no loss."""
    lengths = np.array([len(windows.ids[row]) for row in order])
    starts, total = list[int](), 0
    for position, length in enumerate(lengths.tolist()):
        total += length
        if not position or total > max_tokens:
            starts.append(position)
            total = length
    parts = np.split(np.arange(len(order)), starts[1:])
    groups = [order[part[np.argsort(lengths[part], kind="stable")]] for part in parts]
    kept = [group for group in groups if any(masking.can_mask(windows.ids[w]) for w in group)]
    if not kept:
        raise ValueError("no window has a token to mask: give more texts, or a longer window")
    return kept


def hold_out(texts: Sequence[str], *, share: float, limit: int) -> tuple[list[str], list[str]]:
    """Return the distinct texts to train on, and those held out: `share` of them, 1 to `limit`.

    Which are held out follows from the texts alone, not from their order.

    >>> hold_out(["a", "b", "c", "b"], share=0.3, limit=100)
    (['a', 'b'], ['c'])
    """
    distinct = list(dict.fromkeys(texts))
    if len(distinct) < 2:
        raise ValueError(f"{len(distinct)} distinct texts: give two at least, one to measure on")
    digests = {text: sha256(text.encode()).digest() for text in distinct}
    n = max(1, min(limit, round(share * len(distinct)), len(distinct) - 1))
    apart = set(sorted(distinct, key=digests.__getitem__)[:n])
    return [t for t in distinct if t not in apart], [t for t in distinct if t in apart]


def windows_of(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, special: frozenset[int], window: int
) -> Windows:
    """Return windows of at most `window` tokens; texts with next to none are left out."""
    windows = split(tokenizer, texts, size=window, overlap=0)
    lengths = np.zeros(len(texts), dtype=np.int64)
    for owner, ids in zip(windows.owners, windows.ids, strict=True):
        lengths[owner] += sum(token not in special for token in ids)
    n_short = int((lengths < SHORTEST).sum())
    if n_short == 0:
        return windows
    if n_short == len(texts):
        raise ValueError(
            f"none of {n_short} texts has {SHORTEST} tokens, one to predict and one to predict it "
            "from: give longer texts, or more"
        )
    log.warning("%d texts are left out: they have fewer than %d tokens", n_short, SHORTEST)
    kept = np.flatnonzero(lengths[windows.owners] >= SHORTEST)
    left = [windows.ids[place] for place in kept.tolist()]
    return Windows(left, [], windows.owners[kept], windows.n_texts)


def mask_id(tokenizer: PreTrainedTokenizerBase, name: str, *, vocabulary: int) -> int:
    """Return the id of the token `name`, or of the tokenizer's own mask if it is empty.

    Decoders have no mask of their own: `_` then stands for it, as in LLM2Vec. `TrainingError` for
    an id that is none of the first `vocabulary`, those that the model has an embedding of.
    """
    found = tokenizer.mask_token_id
    if name or found is None:
        name = name or "_"
        found = tokenizer.convert_tokens_to_ids(name)
        if found is None or found == tokenizer.unk_token_id:
            raise ValueError(f"mask_token={name!r}: choose one token of the model's vocabulary")
    if found >= vocabulary:
        raise TrainingError(
            f"mask_token={tokenizer.convert_ids_to_tokens(found)!r} has the id {found}, and the "
            f"model has embeddings of {vocabulary} tokens: choose one of them (--mask-token)"
        )
    return cast(int, found)
