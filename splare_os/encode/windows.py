"""Texts to windows of tokens, and windows to batches of like length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Windows:
    """Windows of all texts, in text order; `owners[i]` is the text that window i is part of.

    `offsets[i]` has the character span of each of its tokens, in the text as tokenised.
    """

    ids: list[list[int]]
    offsets: list[list[tuple[int, int]]]
    owners: NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Padded `features` for one forward pass; `windows` are the numbers of its rows."""

    features: dict[str, Tensor]
    windows: NDArray[np.int64]


def split(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], *, size: int, overlap: int
) -> Windows:
    """Return windows of at most `size` tokens, special tokens included; `overlap` are shared."""
    encoding = tokenizer(
        list(texts),
        truncation=True,
        max_length=size,
        stride=overlap,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    owners = np.array(encoding["overflow_to_sample_mapping"], dtype=np.int64)
    return Windows(encoding["input_ids"], encoding["offset_mapping"], owners)


def batches(windows: Windows, *, max_tokens: int, pad_id: int) -> Iterator[Batch]:
    """Yield batches of at most `max_tokens` padded tokens (or one window), longest first."""
    lengths = np.array([len(ids) for ids in windows.ids], dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")
    starts = [0]
    for position in range(1, len(order)):
        longest = lengths[order[starts[-1]]]
        if (position + 1 - starts[-1]) * longest > max_tokens:
            starts.append(position)
    for start, end in pairwise([*starts, len(order)]):
        if start < end:
            yield _pad(windows, order[start:end], pad_id)


def _pad(windows: Windows, rows: NDArray[np.int64], pad_id: int) -> Batch:
    longest = max(len(windows.ids[row]) for row in rows)
    ids = torch.full((len(rows), longest), pad_id, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for place, row in enumerate(rows):
        n = len(windows.ids[row])
        ids[place, :n] = torch.tensor(windows.ids[row], dtype=torch.long)
        mask[place, :n] = 1
    return Batch({"input_ids": ids, "attention_mask": mask}, rows)
