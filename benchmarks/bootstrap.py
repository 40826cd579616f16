"""Intervals of means over data sets: queries drawn again and again, within each data set."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS = 2_000


def mean_of_sets(sets: Sequence[Sequence[float]]) -> float:
    """Return the mean of the sets' means: each data set counts alike, however many queries it has.

    >>> mean_of_sets([[1.0, 0.0], [1.0]])
    0.75
    """
    return float(np.mean([np.mean(values) for values in sets]))


def interval(sets: Sequence[Sequence[float]], *, draws: int = DRAWS) -> tuple[float, float]:
    """Return the 95 % interval of `mean_of_sets`, by the percentiles of a stratified bootstrap.

    `sets` are the figures of the queries of each data set, none empty; differences of two systems
    give the interval of their difference. The draws are the same every time.
    """
    rng = np.random.default_rng(0)
    means = np.mean([_means(np.asarray(values), draws, rng) for values in sets], axis=0)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _means(
    values: NDArray[np.float64], draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    return values[rng.integers(len(values), size=(draws, len(values)))].mean(axis=1)
