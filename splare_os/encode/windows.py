"""Texts to windows of tokens, as long as a model reads at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Windows:
    """Windows of `n_texts` texts, in text order; `owners[i]` is the text that window i is part of.

    `offsets[i]` has the character span of each of its tokens, in the text as tokenised; it is
    empty where spans were not asked for. Neighbours of one text share `overlap` tokens, behind
    the first `n_leading` special ones and before the last `n_trailing`.
    """

    ids: list[list[int]]
    offsets: list[list[tuple[int, int]]]
    owners: NDArray[np.int64]
    n_texts: int
    overlap: int = 0
    n_leading: int = 0
    n_trailing: int = 0

    def own_places(self) -> NDArray[np.int64]:
        """Return [window, 2]: the first place in each window that counts, and the end of those.

        So that each token of a text counts in one window: of those that two share, the first half
        in the earlier one and the other half in the later, where it has more context.
        """
        ends = np.array([len(ids) for ids in self.ids], dtype=np.int64)
        starts = np.zeros_like(ends)
        follows = self.owners[1:] == self.owners[:-1]
        starts[1:][follows] = self.n_leading + self.overlap // 2
        ends[:-1][follows] -= self.n_trailing + self.overlap - self.overlap // 2
        return np.stack([starts, ends], axis=1)


def split(
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    *,
    size: int,
    overlap: int,
    with_offsets: bool = False,
) -> Windows:
    """Return windows of at most `size` tokens, special tokens included; `overlap` are shared."""
    n_special = tokenizer.num_special_tokens_to_add()
    if size - n_special <= overlap:
        raise ValueError(
            f"a window of {size} tokens has room for {size - n_special} beside the special ones, "
            f"and {overlap} of them overlap: take a larger window"
        )
    encoding = tokenizer(
        list(texts),
        truncation=True,
        max_length=size,
        stride=overlap,
        return_overflowing_tokens=True,
        return_offsets_mapping=with_offsets,
        return_attention_mask=False,
        return_token_type_ids=False,
    )
    owners = np.array(encoding["overflow_to_sample_mapping"], dtype=np.int64)
    offsets = encoding["offset_mapping"] if with_offsets else []
    windows = Windows(encoding["input_ids"], offsets, owners, len(texts))
    return windows if len(owners) == len(texts) else _overlapping(windows, tokenizer, overlap)


def _overlapping(windows: Windows, tokenizer: PreTrainedTokenizerBase, overlap: int) -> Windows:
    """Return windows that know where their shared tokens stand."""
    n_leading = _n_leading(tokenizer)
    n_trailing = tokenizer.num_special_tokens_to_add() - n_leading
    return replace(windows, overlap=overlap, n_leading=n_leading, n_trailing=n_trailing)


def _n_leading(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return how many special tokens are added before a text."""
    added, ids = tokenizer("")["input_ids"], tokenizer("a")["input_ids"]
    pairs = zip(added, ids, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), len(added))
