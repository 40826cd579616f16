"""Texts that a tokenizer cannot read: most of their pieces are the one for the unknown."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from .windows import Windows

log = logging.getLogger(__name__)

MOST_UNKNOWN = 0.3
"""Of a text's pieces, special ones too: above this its script is one that the tokenizer lacks."""


def unreadable(windows: Windows, unknown_id: int | None) -> NDArray[np.bool_]:
    """Return for each text whether more than `MOST_UNKNOWN` of its pieces are `unknown_id`.

    None: the tokenizer knows every character, by its bytes.
    """
    if unknown_id is None:
        return np.zeros(windows.n_texts, dtype=bool)
    counts = np.array([(ids.count(unknown_id), len(ids)) for ids in windows.ids]).reshape(-1, 2)
    unknown, pieces = (
        np.bincount(windows.owners, weights=column, minlength=windows.n_texts)
        for column in counts.T
    )
    found: NDArray[np.bool_] = unknown > MOST_UNKNOWN * pieces
    return found


def warn_of_unreadable(windows: Windows, tokenizer: PreTrainedTokenizerBase, model: str) -> None:
    """Log how many texts are of a script that the model cannot read, and what to do."""
    n_texts = int(unreadable(windows, tokenizer.unk_token_id).sum())
    if n_texts:
        log.warning(
            "model=%s cannot read %d of %d texts: more than %d %% of their pieces are unknown to "
            "its tokenizer, so what they find is by chance; take a model of their language",
            *(model, n_texts, windows.n_texts, round(100 * MOST_UNKNOWN)),
        )
