"""One system against another on the same queries: differences, a paired test, wins and losses."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .measures import Figures

TESTED = "ndcg@10"
"""The measure whose differences are tested."""

TIE = 1e-9
"""Differences up to it are rounding."""


@dataclass(frozen=True)
class Comparison:
    """A system against `baseline`: `p_value` of the paired test, queries won, tied and lost.

    `differences` are those of each measure of each query, positive where the system is better.
    """

    baseline: str
    p_value: float | None
    wins: int
    ties: int
    losses: int
    differences: Figures


def compare(baseline: str, theirs: Figures, ours: Figures) -> Comparison:
    """Return how `ours` compares with the figures of `baseline`, by nDCG@10."""
    differences = {
        name: {query: value - theirs[name][query] for query, value in values.items()}
        for name, values in ours.items()
    }
    tested = differences[TESTED]
    wins = sum(difference > TIE for difference in tested.values())
    losses = sum(difference < -TIE for difference in tested.values())
    ties = len(tested) - wins - losses
    return Comparison(baseline, p_value(tested), wins, ties, losses, differences)


def p_value(differences: Mapping[str, float]) -> float | None:
    """Return the two-sided p of a paired t-test on differences; None for fewer than two.

    Differences that are all zero have p = 1.
    """
    values = np.array(list(differences.values()))
    values[np.abs(values) <= TIE] = 0
    if len(values) < 2:
        return None
    if not values.any():
        return 1.0
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    statistic = abs(float(values.mean())) / error if error else np.inf
    return float(2 * stats.t.sf(statistic, len(values) - 1))
