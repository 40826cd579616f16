"""Token states: what the last block of a backbone hands on, for every token that is pooled."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from ...encode.backbone.backbone import Backbone
from ...encode.packing import Pack, packs
from ...encode.unknown import unreadable
from ...encode.windows import Windows, split
from ..options import Options, limited
from .progress import Progress, Watch, unwatched
from .states_store import States, StateStore

KEEP_EVERY_S = 30.0
MOST_UNREADABLE = 0.05
"""Of texts that states are taken from: those whose script the tokenizer lacks."""


@dataclass(frozen=True, kw_only=True)
class StateOptions(Options):
    """Which states are taken: at most `n_states`, from windows of at most `window` tokens.

    Before these stand `held_out` others, of texts that none of the `n_states` are taken from. A
    window and a forward pass (`pass_tokens`) count the special tokens too. `autocast` runs the
    backbone in bfloat16.
    """

    n_states: int = 1_000_000
    held_out: int = limited(0, may_be_0=True)
    window: int = 256
    pass_tokens: int = 8192
    autocast: bool = False
    seed: int = limited(0, may_be_0=True)


@dataclass(slots=True)
class _Drawn:
    """Windows, how many tokens each gives, and whether its text is held out."""

    ids: list[list[int]] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)

    def packs(self, max_tokens: int) -> Iterator[Pack]:
        """Return all the windows, as many as `max_tokens` allow in each pack."""
        n_windows = len(self.ids)
        return packs(Windows(self.ids, [], np.arange(n_windows), n_windows), max_tokens=max_tokens)


def token_states(
    texts: Sequence[str],
    backbone: Backbone,
    options: StateOptions,
    *,
    folder: Path | None = None,
    watch: Watch = unwatched,
) -> States:
    """Return states in random order, so that any slice of them is a sample of all.

    Duplicate texts count once; tokens that the tokenizer adds are left out. With `folder` the
    states lie in a file there, and a call that was stopped goes on when it is made again.
    """
    special = np.array(_tokenizer(backbone)("")["input_ids"])
    drawn = _draw(texts, backbone, special, options)
    places = _places(drawn, len(texts), options)
    store = StateStore((int(places.max()) + 1, backbone.get_embedding_dimension()), folder)
    starts = np.cumsum(drawn.counts) - drawn.counts
    done, kept_at = 0, time.monotonic()
    for number, pack in enumerate(drawn.packs(options.pass_tokens), start=1):
        spans = [slice(starts[w], starts[w] + drawn.counts[w]) for w in pack.windows]
        target = np.concatenate([places[span] for span in spans])
        if number > store.n_packs and (target >= 0).any():
            kept = torch.from_numpy(_kept(pack.ids.numpy(), special))
            store.write(target, _forward(backbone, pack, options)[kept].float())
        done += int((target >= 0).sum())
        watch(Progress("token states", done, len(store.rows), "tokens"))
        if number > store.n_packs and time.monotonic() - kept_at > KEEP_EVERY_S:
            store.keep(number)
            kept_at = time.monotonic()
    store.keep(number, is_whole=True)
    return store.states()


def _draw(
    texts: Sequence[str], backbone: Backbone, special: NDArray[np.int64], options: StateOptions
) -> _Drawn:
    """Return the windows of randomly drawn texts that together hold the states asked for."""
    distinct = list(dict.fromkeys(texts))
    order = np.random.default_rng(options.seed).permutation(len(distinct))
    drawn = _Drawn()
    n_held = n_trained = n_read = n_unreadable = 0
    for start in range(0, len(order), 256):
        part = [distinct[place] for place in order[start : start + 256]]
        windows = split(_tokenizer(backbone), part, size=options.window, overlap=0)
        counts = np.array([int(_kept(ids, special).sum()) for ids in windows.ids])
        by_text = np.bincount(windows.owners, weights=counts, minlength=len(part))
        n_read += len(part)
        n_unreadable += int(unreadable(windows, _tokenizer(backbone).unk_token_id).sum())
        before = n_held + n_trained + np.cumsum(by_text) - by_text
        held = (before < options.held_out)[windows.owners]
        drawn.ids.extend(windows.ids)
        drawn.counts.extend(counts.tolist())
        drawn.held.extend(held.tolist())
        n_held, n_trained = n_held + int(counts[held].sum()), n_trained + int(counts[~held].sum())
        if n_trained >= options.n_states:
            break
    _require_readable(n_unreadable, n_read)
    return drawn


def _require_readable(n_unreadable: int, n_texts: int) -> None:
    if n_unreadable > MOST_UNREADABLE * n_texts:
        raise ValueError(
            f"{n_unreadable} of {n_texts} texts are of a script that the backbone's tokenizer "
            f"lacks: above {MOST_UNREADABLE:.0%} an SAE would learn its unknown piece; leave them "
            "out, or take a backbone of their language"
        )


def _places(drawn: _Drawn, n_texts: int, options: StateOptions) -> NDArray[np.int64]:
    """Return the row of every token of the windows, -1 for those that are left out."""
    held = np.repeat(np.array(drawn.held, dtype=bool), drawn.counts)
    n_held, n_trained = int(held.sum()), int((~held).sum())
    if not n_held + n_trained:
        raise ValueError(f"{n_texts} texts hold no token: give texts to take states from")
    if n_held < options.held_out or not n_trained:
        raise ValueError(
            f"{n_texts} texts hold {n_held + n_trained} tokens, and held_out={options.held_out} "
            "leaves none of them to train on: give more texts, or hold out fewer"
        )
    rng = np.random.default_rng((options.seed, 1))
    places = np.full(len(held), -1, dtype=np.int64)
    for group, first, limit in (
        (held, 0, options.held_out),
        (~held, options.held_out, options.n_states),
    ):
        order = rng.permutation(int(group.sum()))
        places[group] = np.where(order < limit, first + order, -1)
    return places


def _kept(ids: Sequence[int] | NDArray[np.int64], special: NDArray[np.int64]) -> NDArray[np.bool_]:
    return ~np.isin(ids, special)


def _tokenizer(backbone: Backbone) -> PreTrainedTokenizerBase:
    return cast(PreTrainedTokenizerBase, backbone.tokenizer)


def _forward(backbone: Backbone, pack: Pack, options: StateOptions) -> torch.Tensor:
    """Return states [token, state] on the CPU."""
    device = backbone.model.device.type
    with (
        torch.inference_mode(),
        torch.autocast(device, torch.bfloat16, enabled=options.autocast),
    ):
        return backbone.packed_states(pack).cpu()
