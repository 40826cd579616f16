"""The teacher that people name: bm25, dense, scores, bi-encoder:NAME or cross-encoder:NAME."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import torch

from ...encode.unreadable import UNREADABLE
from ...errors import EncoderError, TrainingError
from ...evaluate.dense import dense_name
from .batches import Vectors, batches
from .losses import Scores, Teacher
from .options import MAX_TOKENS, DistillOptions
from .pairs import TrainingSet
from .teachers import Embedded, Listed, calibrated, embedded, keep, lexical

BM25, DENSE, SCORES = "bm25", "dense", "scores"
BI_ENCODER, CROSS_ENCODER = "bi-encoder:", "cross-encoder:"
KINDS = f"{BM25}, {DENSE}, {SCORES}, {BI_ENCODER}NAME, {CROSS_ENCODER}NAME"
CALIBRATION_BATCHES = 200
CALIBRATION_SCORES = 2**24
"""Scores of a teacher that calibration looks at: as many batches, at most, as hold them."""


@dataclass(frozen=True)
class Teaching:
    """A teacher, and vectors [query, dimension] of the first bi-encoder in it, if there is one.

    `scales` [source, teacher] are what calibration found; None where scores are taken as they are.
    """

    teacher: Teacher
    vectors: Vectors | None = None
    scales: Vectors | None = None


def teaching(
    names: Sequence[str], data: TrainingSet, options: DistillOptions, *, folder: Path
) -> Teaching:
    """Return what `names` stand for, on the texts of `data`; models' outputs are kept in `folder`.

    Scores of the rows (`scores`) and of a cross-encoder are taken as they are, and stand alone.
    Those of BM25 and bi-encoders are added up, each times a scale that makes their softmax the
    best guess of which documents of a topical batch are relevant, source by source.
    """
    check_names(names)
    if names[0] == SCORES:
        _require_scores(data)
        return Teaching(Listed.of(data))
    if names[0].startswith(CROSS_ENCODER):
        name = names[0].removeprefix(CROSS_ENCODER)
        used = _cut(data, options.negatives)
        return Teaching(Listed.of(scored(used, name, folder=folder, device=options.device)))
    teachers = [_any_pair(name, data, folder, options) for name in names]
    vectors = next((one.queries for one in teachers if isinstance(one, Embedded)), None)
    rows = [np.arange(first, last) for first, last in pairwise(start[2] for start in data.starts)]
    by_row = None if vectors is None else vectors[[row.query for row in data.rows]]
    drawn = batches(rows, by_row, batch_size=options.batch_size, seed=options.seed)
    n_batches = min(CALIBRATION_BATCHES, max(1, CALIBRATION_SCORES // options.batch_size**2))
    blend = calibrated(teachers, data, islice(drawn, n_batches))
    return Teaching(blend, vectors, blend.scales)


def _cut(data: TrainingSet, n_negatives: int) -> TrainingSet:
    """Return `data` with the negatives that are trained on."""
    rows = [replace(row, negatives=row.negatives[:n_negatives], scores=()) for row in data.rows]
    return replace(data, rows=rows)


def scored(data: TrainingSet, name: str, *, folder: Path, device: str) -> TrainingSet:
    """Return `data` with scores of the cross-encoder `name`, a folder or hub id, in its rows."""
    pairs = [
        (data.queries[row.query], data.documents[place])
        for row in data.rows
        for place in (row.positive, *row.negatives)
    ]
    key = sha256("\0".join([name, *(text for pair in pairs for text in pair)]).encode())
    path = folder / f"scores-{key.hexdigest()[:16]}.npy"
    if not path.is_file():
        keep(path, _predict(name, pairs, device))
    scores: Scores = np.load(path)
    ends = np.cumsum([1 + len(row.negatives) for row in data.rows])
    parts = np.split(scores, ends[:-1])
    rows = [
        replace(row, scores=tuple(part.tolist()))
        for row, part in zip(data.rows, parts, strict=True)
    ]
    return replace(data, rows=rows)


def _predict(name: str, pairs: list[tuple[str, str]], device: str) -> Scores:
    from sentence_transformers import CrossEncoder

    try:
        model = CrossEncoder(name, device=device)
    except UNREADABLE as error:
        raise EncoderError(f"the teacher {name!r} cannot be loaded: {error}") from error
    found = model.predict(pairs, activation_fn=torch.nn.Identity(), show_progress_bar=False)
    scores: Scores = np.asarray(found, dtype=np.float32)
    if scores.size != len(pairs):
        raise EncoderError(
            f"cross-encoder {name} gives {scores.shape[-1]} scores for a pair: "
            "name one that gives a single one, its relevance"
        )
    if not np.isfinite(scores).all():
        raise TrainingError(f"cross-encoder {name} gives scores that are no numbers")
    return scores.reshape(len(pairs))


def _any_pair(name: str, data: TrainingSet, folder: Path, options: DistillOptions) -> Teacher:
    if name == BM25:
        return lexical(data)
    model = dense_name() if name == DENSE else name.removeprefix(BI_ENCODER)
    max_tokens = options.max_tokens or MAX_TOKENS
    return embedded(data, model, folder=folder, device=options.device, max_tokens=max_tokens)


def knows_rows_only(names: Sequence[str]) -> bool:
    """Return whether these teachers know only the documents that a row names."""
    return names[0] == SCORES or names[0].startswith(CROSS_ENCODER)


def check_names(names: Sequence[str]) -> None:
    """Refuse teachers that are unknown, or that cannot teach together."""
    if not names:
        raise ValueError(f"no teacher: choose from {KINDS}")
    for name in names:
        is_model = name.startswith((BI_ENCODER, CROSS_ENCODER)) and not name.endswith(":")
        if name not in (BM25, DENSE, SCORES) and not is_model:
            raise ValueError(f"teacher {name!r}: choose from {KINDS}")
    alone = [name for name in names if name == SCORES or name.startswith(CROSS_ENCODER)]
    if alone and len(names) > 1:
        raise ValueError(
            f"teacher {alone[0]!r} knows the rows' own documents only, and stands alone: "
            f"leave out {', '.join(name for name in names if name != alone[0])}"
        )


def _require_scores(data: TrainingSet) -> None:
    for pairs in data.sources:
        for number, row in enumerate(pairs.rows, 1):
            if not row.scores:
                raise TrainingError(
                    f"{pairs.name}, pair {number}: no teacher scores; add them, or name another "
                    f"teacher ({KINDS})"
                )
