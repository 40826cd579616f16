"""How well each latent separates two sets of documents, and whether by more than chance. Pure.

Sources: Fisher's exact test; Benjamini and Hochberg (1995) for the false discovery rate; Haldane
(1956) and Anscombe (1956) for ½ in the odds ratio.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from ...impacts import Impacts

PRIOR = 0.5
"""Added to each of the four counts of an odds ratio: it is finite, and near 1 for small counts."""


@dataclass(frozen=True, slots=True)
class Separation:
    """Arrays [latent]: documents of either set that show it, of `n_a` and `n_b`.

    `difference` is share of A less share of B, from −1 to 1: that of B and A told apart by this
    latent alone. `p` is Fisher's, two-sided; `q` the false discovery rate of all latents at least
    as significant. A latent that no document shows has p = q = 1, and is not counted as tested.
    """

    n_a: int
    n_b: int
    in_a: NDArray[np.int64]
    in_b: NDArray[np.int64]
    difference: NDArray[np.float64]
    odds_ratio: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]

    @property
    def tested(self) -> int:
        """Number of latents that some document shows."""
        return int(np.count_nonzero(self.in_a + self.in_b))

    def ranked(self) -> NDArray[np.intp]:
        """Return the latents that some document shows, by |difference|, p, and number."""
        shown: NDArray[np.intp] = np.flatnonzero(self.in_a + self.in_b)
        order = np.lexsort((shown, self.p[shown], -np.abs(self.difference[shown])))
        return shown[order]


def separate(a: Impacts, b: Impacts) -> Separation:
    """Return how latents separate the texts of `a` from those of `b` (both [text, latent]).

    `ValueError` for a set without texts.
    """
    n_a, n_b = a.shape[0], b.shape[0]
    if not n_a or not n_b:
        raise ValueError(f"sets of {n_a} and {n_b} texts: both need at least one")
    in_a, in_b = (np.bincount(each.indices, minlength=each.shape[1]) for each in (a, b))
    odds_a = (in_a + PRIOR) / (n_a - in_a + PRIOR)
    odds_b = (in_b + PRIOR) / (n_b - in_b + PRIOR)
    p = fisher(in_a, in_b, n_a, n_b)
    q, shown = np.ones(len(p)), in_a + in_b > 0
    q[shown] = benjamini_hochberg(p[shown])
    return Separation(n_a, n_b, in_a, in_b, in_a / n_a - in_b / n_b, odds_a / odds_b, p, q)


def fisher(
    in_a: NDArray[np.int64], in_b: NDArray[np.int64], n_a: int, n_b: int
) -> NDArray[np.float64]:
    """Return the two-sided p [latent] of Fisher's exact test of `in_a` of n_a, `in_b` of n_b.

    >>> fisher(np.array([3, 2]), np.array([0, 2]), 3, 3).round(6).tolist()
    [0.1, 1.0]
    """
    pairs, where = np.unique(np.stack([in_a, in_b]), axis=1, return_inverse=True)
    values = [_fisher_of_one(int(x), int(x + y), n_a, n_b) for x, y in pairs.T]
    return np.array(values, dtype=np.float64)[where.reshape(-1)]


def _fisher_of_one(x: int, shown: int, n_a: int, n_b: int) -> float:
    """Return the share of all ways to deal `shown` texts that are at most as likely as `x` in A."""
    low, high = max(0, shown - n_b), min(shown, n_a)
    k = np.arange(low, high + 1)
    logs = _log_choose(n_a, k) + _log_choose(n_b, shown - k) - _log_choose(n_a + n_b, shown)
    # as likely: what differs by rounding alone is equal
    return float(min(1.0, np.exp(logs[logs <= logs[x - low] + 1e-7]).sum()))


def _log_choose(n: int, k: NDArray[np.int64] | int) -> NDArray[np.float64]:
    return np.asarray(gammaln(n + 1) - gammaln(np.add(k, 1)) - gammaln(n - k + 1))


def benjamini_hochberg(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return q-values: the false discovery rate when all at most as large as each are taken.

    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty_like(p)
    q[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return q
