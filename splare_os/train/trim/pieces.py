"""Which pieces of a vocabulary are kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Piece: TypeAlias = tuple[str, float]
"""A piece of a unigram tokenizer and its score, a logarithm of its probability."""

WORD_START = "▁"
"""Stands for the space before a word."""

SCRIPTS = frozenset(
    {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "CJK", "HIRAGANA", "KATAKANA", "HANGUL"}
    | {"DEVANAGARI", "BENGALI", "TAMIL", "TELUGU", "GUJARATI", "GURMUKHI", "THAI"}
    | {"ARMENIAN", "GEORGIAN", "KATAKANA-HIRAGANA", "MODIFIER"}
)
"""Scripts, as Unicode's names of letters begin, whose pieces are expected in other texts too."""

OWN = 0.5
"""How much the texts that are read say of the pieces to come; the tokenizer says the rest."""


def choose_pieces(
    pieces: Sequence[Piece], counts: NDArray[np.int64], *, needed: Sequence[int], n_rows: int
) -> NDArray[np.int64]:
    """Return the ids of `n_rows` pieces, ascending.

    First come `needed` ids, every piece of one character (so that no text has more unknown
    characters than before), and the lowest score, which sets the price of an unknown character;
    then those that are likeliest in texts to come: the mean of a piece's share of `counts` [piece]
    and of its probability by the tokenizer, which knows texts at large, among pieces of `SCRIPTS`.
    Pieces of neither are left out. `ValueError` if `n_rows` does not hold those that must stay.
    """
    scores = np.array([score for _, score in pieces])
    must = np.zeros(len(pieces), dtype=bool)
    must[list(needed)] = True
    must[[len(text.removeprefix(WORD_START)) <= 1 for text, _ in pieces]] = True
    must[int(scores.argmin())] = True
    if must.sum() > n_rows:
        raise ValueError(
            f"n_rows={n_rows}: special tokens and pieces of one character are {must.sum()} already"
        )
    expected = np.array([is_of(text, SCRIPTS) for text, _ in pieces])
    at_large = np.where(must | ~expected, 0, np.exp(scores))  # special tokens have a score of 0
    likely = OWN * _shares(np.where(must, 0, counts)) + (1 - OWN) * _shares(at_large)
    order = np.lexsort((-likely, ~must))
    kept = order[: min(n_rows, int((must | (likely > 0)).sum()))]
    kept.sort()
    return kept


def _shares(amounts: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return amounts that add up to 1, or to 0."""
    return np.divide(amounts, max(float(amounts.sum()), 1e-300), dtype=np.float64)


def is_of(text: str, scripts: frozenset[str]) -> bool:
    """Return whether all letters of `text` are of `scripts`.

    >>> is_of("▁naïve", SCRIPTS), is_of("東京", SCRIPTS), is_of("ស្រី", SCRIPTS)
    (True, True, False)
    """
    letters = (letter for letter in text if unicodedata.category(letter)[0] in "LM")
    return all(
        unicodedata.category(letter)[0] == "M"
        or unicodedata.name(letter, "").split(" ")[0] in scripts
        for letter in letters
    )
