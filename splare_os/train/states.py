"""Token states: what the last block of a backbone hands on, for every token that is pooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from ..encode.backbone import Backbone
from ..encode.packing import Pack, packs
from ..encode.windows import Windows, split

States = NDArray[np.float16]
"""[token, state]; a sparse autoencoder is trained on it."""


@dataclass(frozen=True, slots=True)
class StateOptions:
    """Which states are taken: at most `n_states`, from windows of at most `window` tokens.

    A window and a batch count the special tokens too. `autocast` runs the backbone in bfloat16.
    """

    n_states: int = 1_000_000
    window: int = 256
    batch_tokens: int = 8192
    autocast: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse sizes below 1."""
        for name in ("n_states", "window", "batch_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: must be at least 1")


def token_states(
    texts: Sequence[str], backbone: Backbone, options: StateOptions, *, path: Path | None = None
) -> States:
    """Return states in random order, so that any slice of them is a sample of all.

    Duplicate texts count once; texts are drawn at random until there are `n_states`. With `path`
    the array is a memory-mapped `.npy` file. The tokens that the tokenizer adds are left out.
    """
    rng = np.random.default_rng(options.seed)
    special = np.array(_tokenizer(backbone)("")["input_ids"])
    windows = _draw(texts, backbone, special, options)
    total = sum(int(_kept(ids, special).sum()) for ids in windows.ids)
    if not total:
        raise ValueError(f"{len(texts)} texts hold no token: give texts to take states from")
    n_states = min(total, options.n_states)
    states = _allocate(path, (n_states, backbone.get_embedding_dimension()))
    places = rng.permutation(total)
    start = 0
    for pack in packs(windows, max_tokens=options.batch_tokens):
        kept = _kept(pack.ids.numpy(), special)
        rows = _forward(backbone, pack, options)[torch.from_numpy(kept)].half().numpy()
        target = places[start : start + len(rows)]
        states[target[target < n_states]] = rows[target < n_states]
        start += len(rows)
    return states


def _draw(
    texts: Sequence[str], backbone: Backbone, special: NDArray[np.int64], options: StateOptions
) -> Windows:
    """Return the windows of randomly drawn texts that together hold `n_states` states."""
    distinct = list(dict.fromkeys(texts))
    order = np.random.default_rng(options.seed).permutation(len(distinct))
    drawn = Windows([], [], np.zeros(0, dtype=np.int64), 0)
    n_states = 0
    for start in range(0, len(order), 256):
        part = [distinct[place] for place in order[start : start + 256]]
        windows = split(_tokenizer(backbone), part, size=options.window, overlap=0)
        drawn.ids.extend(windows.ids)
        n_states += sum(int(_kept(ids, special).sum()) for ids in windows.ids)
        if n_states >= options.n_states:
            break
    return drawn


def _kept(ids: Sequence[int] | NDArray[np.int64], special: NDArray[np.int64]) -> NDArray[np.bool_]:
    return ~np.isin(ids, special)


def _tokenizer(backbone: Backbone) -> PreTrainedTokenizerBase:
    return cast(PreTrainedTokenizerBase, backbone.tokenizer)


def _allocate(path: Path | None, shape: tuple[int, int]) -> States:
    if path is None:
        return np.zeros(shape, dtype=np.float16)
    return open_memmap(path, mode="w+", dtype=np.float16, shape=shape)


def _forward(backbone: Backbone, pack: Pack, options: StateOptions) -> torch.Tensor:
    """Return states [token, state] on the CPU."""
    device = backbone.model.device.type
    with (
        torch.inference_mode(),
        torch.autocast(device, torch.bfloat16, enabled=options.autocast),
    ):
        return backbone.packed_states(pack).cpu()
