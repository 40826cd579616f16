"""Which rows are seen when: all batches of a training, drawn before it starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np

from ...errors import TrainingError
from .batches import Vectors, batches
from .losses import Places
from .options import DistillOptions
from .pairs import TrainingSet


@dataclass(frozen=True)
class Schedule:
    """Batches [batch, row] to train on, in order, and to measure on; places in a training set."""

    trained: Places
    held_out: Places

    @classmethod
    def draw(
        cls, data: TrainingSet, options: DistillOptions, vectors: Vectors | None = None
    ) -> Schedule:
        """Return the batches of a training; `vectors` [query, dimension] make them topical.

        A query of a held-out batch is in no other batch: queries with the same text are one.
        A source too small for a batch is refused.
        """
        check_rows(data, options)
        rows = _rows_by_source(data)
        by_row = None if vectors is None else vectors[[row.query for row in data.rows]]
        held = np.stack([*islice(_batches(rows, by_row, options, 0), options.held_out)])
        texts = [data.queries[row.query] for row in data.rows]
        asked = {texts[place] for place in held.ravel().tolist()}
        kept = [
            np.array([row for row in part.tolist() if texts[row] not in asked], dtype=int)
            for part in rows
        ]
        _require_batches(data, kept, options)
        steps = options.steps * options.accumulation
        return cls(np.stack([*islice(_batches(kept, by_row, options, 1), steps)]), held)


def check_rows(data: TrainingSet, options: DistillOptions) -> None:
    """Refuse a training set with too few negatives, or with a source too small for a batch."""
    _require_negatives(data, options.negatives)
    _require_batches(data, _rows_by_source(data), options)


def _rows_by_source(data: TrainingSet) -> list[Places]:
    return [np.arange(first, last) for first, last in pairwise(s[2] for s in data.starts)]


def _batches(
    rows: list[Places], by_row: Vectors | None, options: DistillOptions, stream: int
) -> Iterator[Places]:
    seed = 2 * options.seed + stream
    return batches(rows, by_row, batch_size=options.batch_size, seed=seed)


def columns(
    data: TrainingSet, places: Places, n_negatives: int, prompts: Mapping[str, str | None]
) -> dict[str, list[str]]:
    """Return the texts of the rows at `places` [row] by column, in the order of the loss.

    They begin with the prompt of a `query` or a `document`, as a model encodes them.
    """
    rows = [data.rows[place] for place in places.tolist()]
    asked, found = (prompts.get(kind) or "" for kind in ("query", "document"))
    texts = {
        "query": [asked + data.queries[row.query] for row in rows],
        "positive": [found + data.documents[row.positive] for row in rows],
    }
    for n in range(n_negatives):
        texts[f"negative_{n}"] = [found + data.documents[row.negatives[n]] for row in rows]
    return texts


def _require_negatives(data: TrainingSet, wanted: int) -> None:
    for pairs, (first, last) in zip(
        data.sources, pairwise(start[2] for start in data.starts), strict=True
    ):
        least = min(len(row.negatives) for row in data.rows[first:last])
        if least < wanted:
            raise TrainingError(
                f"{pairs.name} has a pair with {least} negatives, negatives={wanted} are asked "
                "for: mine more (`splare-os train mine`), or ask for fewer"
            )


def _require_batches(data: TrainingSet, kept: list[Places], options: DistillOptions) -> None:
    for pairs, rows in zip(data.sources, kept, strict=True):
        if len(rows) < options.batch_size:
            raise ValueError(
                f"{pairs.name} has {len(rows)} pairs to train on, held_out={options.held_out} "
                f"batches apart: too few for batch_size={options.batch_size}; give more pairs, "
                "a smaller batch, or hold out less"
            )
