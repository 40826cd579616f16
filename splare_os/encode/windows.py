"""Texts to windows of tokens, as long as a model reads at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Windows:
    """Windows of `n_texts` texts, in text order; `owners[i]` is the text that window i is part of.

    `offsets[i]` has the character span of each of its tokens, in the text as tokenised; it is
    empty where spans were not asked for.
    """

    ids: list[list[int]]
    offsets: list[list[tuple[int, int]]]
    owners: NDArray[np.int64]
    n_texts: int


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
    return Windows(encoding["input_ids"], offsets, owners, len(texts))
