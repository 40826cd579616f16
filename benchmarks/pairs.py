"""Ratios that noisy machines cannot bend: interleaved pairs, their median and its interval."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from scipy.stats import binom

N_PAIRS = 7

Encode = Callable[[Sequence[str]], object]


@dataclass(frozen=True)
class Ratio:
    """Median of the pairs' quotients, and the interval that holds it in at least 95 of 100 runs."""

    median: float
    low: float
    high: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.low:.2f}, {self.high:.2f}]"


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def of_pairs(quotients: Sequence[float]) -> Ratio:
    """Return the median of quotients, with the widest needed interval of order statistics.

    >>> str(of_pairs([2.0, 1.0, 3.0, 2.5, 1.5, 2.2, 1.8]))
    '2.00 [1.00, 3.00]'
    """
    ordered = sorted(quotients)
    n = len(ordered)
    cut = max((k for k in range(n // 2) if 2 * binom.cdf(k, n, 0.5) <= 0.05), default=0)
    return Ratio(median(ordered), ordered[cut], ordered[n - 1 - cut], n)


def speed_up(slow: Encode, fast: Encode, slices: Sequence[Sequence[str]]) -> Ratio:
    """Return how many times quicker `fast` is; each slice of texts is a pair, first by turns."""
    quotients = []
    for number, texts in enumerate(slices):
        first, second = (slow, fast) if number % 2 else (fast, slow)
        one, other = seconds(partial(first, texts)), seconds(partial(second, texts))
        quotients.append(one / other if number % 2 else other / one)
    return of_pairs(quotients)
