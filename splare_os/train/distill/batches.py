"""Batches of one source and topic: what else is in a batch is then a hard negative.

Source: topic-aware sampling, arXiv 2104.06967; here topics are found by bisection, anew each pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .losses import Places

Vectors: TypeAlias = NDArray[np.float32]
"""Of texts [text, dimension]."""


def batches(
    sources: Sequence[Places], vectors: Vectors | None, *, batch_size: int, seed: int
) -> Iterator[Places]:
    """Yield batches of rows for ever; every pass sees every row at most once.

    `sources` are the rows of each source, `vectors` [row, dimension] say which rows are alike;
    without them a source is shuffled. What does not fill a batch is left out of the pass.
    """
    if not any(len(rows) >= batch_size for rows in sources):
        raise ValueError(
            f"batch_size={batch_size}: the largest source has {max(map(len, sources))} pairs; "
            "give a smaller batch or more pairs"
        )
    rng = np.random.default_rng(seed)
    while True:
        found = []
        for rows in sources:
            shuffled = rng.permutation(rows)
            whole = shuffled[: len(rows) // batch_size * batch_size]
            found += list(bisect(whole, vectors, batch_size, rng))
        for place in rng.permutation(len(found)):
            yield found[place]


def bisect(
    rows: Places, vectors: Vectors | None, batch_size: int, rng: np.random.Generator
) -> Iterator[Places]:
    """Yield `rows` in batches of rows that are alike: halved along a line through two of them."""
    n_batches = len(rows) // batch_size
    if n_batches == 0:
        return
    if n_batches == 1:
        yield rows
        return
    if vectors is not None:
        one, other = rng.choice(rows, size=2, replace=False)
        along = vectors[rows] @ (vectors[one] - vectors[other])
        rows = rows[np.argsort(along, kind="stable")]
    half = n_batches // 2 * batch_size
    yield from bisect(rows[:half], vectors, batch_size, rng)
    yield from bisect(rows[half:], vectors, batch_size, rng)
