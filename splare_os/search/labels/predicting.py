"""How well words tell which texts show a latent: the area under the ROC curve. Pure."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST = 5
"""Texts that show a latent, and that do not, below which nothing is measured."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Of one label: its own latent's `score`, and the `baseline`, the mean of other labels.

    Both are areas under ROC curves, ½ is chance; None: too few texts, or no other label. `shown`:
    texts that show the latent.
    """

    score: float | None
    baseline: float | None
    shown: int


def predictions(
    labels: Sequence[Set[str]],
    latents: Sequence[int],
    texts: Sequence[Set[str]],
    shown: NDArray[np.bool_],
) -> list[Prediction]:
    """Return how well the words of `labels` of `latents` predict columns of `shown` [text, label].

    A text is the likelier to show a latent, the more words it shares with the latent's label. The
    baseline gives each latent the labels of all other latents in turn: texts with many words show
    many latents, whatever is said of these.
    """
    areas = roc_areas(_shared(labels, texts), shown)
    counts, owners = shown.sum(axis=0), np.asarray(latents)
    return [
        _prediction(areas[:, at], at, owners != latent, (int(counts[at]), len(texts)))
        for at, latent in enumerate(latents)
    ]


def _prediction(
    areas: NDArray[np.float64], at: int, others: NDArray[np.bool_], counts: tuple[int, int]
) -> Prediction:
    shown, n_texts = counts
    if min(shown, n_texts - shown) < FEWEST:
        return Prediction(None, None, shown)
    baseline = float(areas[others].mean()) if others.any() else None
    return Prediction(float(areas[at]), baseline, shown)


def _shared(labels: Sequence[Set[str]], texts: Sequence[Set[str]]) -> NDArray[np.float64]:
    """Return how many words each text has of each label [text, label]."""
    counts = np.zeros((len(texts), len(labels)))
    owners: dict[str, list[int]] = {}
    for at, words in enumerate(labels):
        for word in words:
            owners.setdefault(word, []).append(at)
    for row, words in enumerate(texts):
        for word in owners.keys() & words:
            counts[row, owners[word]] += 1
    return counts


def roc_areas(scores: NDArray[np.float64], shown: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return areas [scoring, latent]: of columns of `scores` as predictors of those of `shown`.

    The chance that a text which shows the latent scores higher than one which does not; equal
    scores count half. ½ where all texts, or none, show it. Source: Mann and Whitney (1947).

    >>> scores = np.array([[2.0], [1.0], [1.0], [0.0]])
    >>> roc_areas(scores, np.array([[True], [True], [False], [False]])).tolist()
    [[0.875]]
    """
    n_shown = shown.sum(axis=0).astype(np.float64)
    n_others = len(shown) - n_shown
    if not len(shown):
        return np.full((scores.shape[1], shown.shape[1]), 0.5)
    ranks = _midranks(scores).T @ shown.astype(np.float64)
    pairs = n_shown * n_others
    areas: NDArray[np.float64] = np.full(ranks.shape, 0.5)
    np.divide(ranks - n_shown * (n_shown + 1) / 2, pairs, out=areas, where=pairs > 0)
    return areas


def _midranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks from 1 in each column, equal scores sharing the middle of theirs."""
    ranks = np.empty_like(scores)
    for column in range(scores.shape[1]):
        _, where, counts = np.unique(scores[:, column], return_inverse=True, return_counts=True)
        ranks[:, column] = (np.cumsum(counts) - (counts - 1) / 2)[where]
    return ranks
