"""Searches of several kinds, timed in turn on the same queries, and what the times say."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from .pairs import Ratio, of_pairs

Q = TypeVar("Q")


@dataclass(frozen=True)
class Found:
    """What a search found: the milliseconds that the cluster says it took, ids, best first."""

    took: float
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timed(Generic[Q]):
    """One search of a kind, and the milliseconds that its caller waited for it."""

    kind: str
    query: Q
    found: Found
    wall: float


def timed(
    searches: Mapping[str, Callable[[Q], Found]], queries: Iterable[Q], rounds: int
) -> Iterator[Timed[Q]]:
    """Yield searches, all kinds of one query after one another, in an order that is drawn."""
    kinds, queries = list(searches), list(queries)
    draw = random.Random(0)
    for _ in range(rounds):
        for query in queries:
            draw.shuffle(kinds)
            for kind in kinds:
                start = time.perf_counter()
                found = searches[kind](query)
                yield Timed(kind, query, found, 1000 * (time.perf_counter() - start))


def percentiles(values: Iterable[float]) -> tuple[float, float, float]:
    """Return the 50th, 95th and 99th percentile."""
    middle, high, highest = np.percentile(list(values), [50, 95, 99])
    return float(middle), float(high), float(highest)


def ratio(found: Sequence[Timed[Q]], kind: str, base: str) -> Ratio:
    """Return the median of walls of `kind` over those of `base`, pair by pair."""
    walls = {
        one: [each.wall for each in sorted(_of(found, one), key=lambda each: str(each.query))]
        for one in (kind, base)
    }
    return of_pairs([a / b for a, b in zip(walls[kind], walls[base], strict=True)])


def compared(found: Sequence[Timed[Q]], kinds: Sequence[str]) -> Iterator[str]:
    """Yield percentiles of each kind of search, and its ratio to the first, pair by pair."""
    for kind in kinds:
        took = percentiles(one.found.took for one in _of(found, kind))
        wall = percentiles(one.wall for one in _of(found, kind))
        parts = [
            f"{name} p50/p95/p99 {'/'.join(f'{value:.1f}' for value in values)} ms"
            for name, values in (("took", took), ("wall", wall))
        ]
        yield f"{kind}: {', '.join(parts)}"
    for kind in kinds[1:]:
        told = ratio(found, kind, kinds[0])
        yield f"{kind} / {kinds[0]}, wall, medians of pairs: {told}"


def _of(found: Iterable[Timed[Q]], kind: str) -> list[Timed[Q]]:
    return [one for one in found if one.kind == kind]
