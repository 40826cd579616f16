"""The whole way of a distillation: sources and a model in, a model folder out."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ...encode.encoder import SplareEncoder
from ...encode.folder import load_folder
from ...encode.load import model_folder
from ...encode.unreadable import UNREADABLE
from ...errors import EncoderError
from ...paths import StrPath
from ..prior import drawn, take_prior
from ..work_folder import CLAIM, beside, clear, locked, require_ours
from .options import DistillOptions
from .pairs import Pairs, TrainingSet, read_pairs
from .teaching import check_names, knows_rows_only, teaching
from .trainer import Watch
from .training import RECORD, DistillFigures, check, distill
from .variants import merge
from .words import lower_logits

OURS = (*CLAIM, RECORD, "*.partial", "checkpoint-*", "vectors-*.npy", "scores-*.npy")
"""What a work folder holds."""


@dataclass(frozen=True)
class DistillJob:
    """What is trained by which teachers, and where the result goes.

    `model` is `mini`, a folder or a hub id; for the variant `splade` it may be a masked-language
    model with its vocabulary head. `name` is the new model's, by default that of the folder
    `out`. With `max_pairs` so many of each source are drawn. Checkpoints and what teachers said
    lie in `work`, by default `out` with `.work`.
    """

    model: str
    teachers: tuple[str, ...]
    out: StrPath
    options: DistillOptions
    name: str = ""
    max_pairs: int = 0
    work: StrPath | None = None
    keep_work: bool = False

    def __post_init__(self) -> None:
        """Refuse a number of pairs that cannot be drawn."""
        if self.max_pairs < 0:
            raise ValueError(f"max_pairs={self.max_pairs}: give a number above 0, or 0 for all")


@dataclass(frozen=True, slots=True)
class DistillReport:
    """What was made, and what held-out pairs say of it."""

    model: str
    fingerprint: str
    pairs: int
    scales: list[list[float]] | None
    figures: DistillFigures


def distill_model(
    sources: Sequence[str], job: DistillJob, *, watch: Watch | None = None
) -> DistillReport:
    """Train a model on the pairs of `sources`, write its folder, and return a report.

    Everything is read and checked before the first step. The same call goes on where an earlier
    one was stopped.
    """
    options, work = job.options, Path(job.work or beside(job.out, ".work"))
    _check(job)
    require_ours(work, OURS)
    data = TrainingSet.of([_drawn(read_pairs(source), job) for source in sources])
    encoder = _opened(job, data)
    check(encoder, data, options, work)
    with locked(work, OURS):
        taught = teaching(job.teachers, data, options, folder=work)
        figures = distill(
            encoder, data, taught.teacher, options, work=work, vectors=taught.vectors, watch=watch
        )
        _save(encoder, job, data)
        if not job.keep_work:
            clear(work, OURS)
    scales = None if taught.scales is None else taught.scales.tolist()
    return DistillReport(str(job.out), encoder.fingerprint, len(data.rows), scales, figures)


def _check(job: DistillJob) -> None:
    """Refuse what cannot work, and to write over what others made."""
    if Path(job.out).exists():
        raise ValueError(f"{job.out} is there already: choose another folder to write")
    check_names(job.teachers)
    if not job.options.negatives and knows_rows_only(job.teachers):
        raise ValueError(
            f"teacher {job.teachers[0]!r} knows the rows' own documents only, so with negatives=0 "
            "it has nothing to compare: give the number of negatives that rows have"
        )


def _drawn(pairs: Pairs, job: DistillJob) -> Pairs:
    return pairs.sampled(job.max_pairs, seed=job.options.seed) if job.max_pairs else pairs


def _opened(job: DistillJob, data: TrainingSet) -> SplareEncoder:
    device = job.options.device
    folder = model_folder(job.model)
    if (folder / "modules.json").is_file():
        loaded = load_folder(folder, job.model, device=device, dtype="float32", trainable=True)
        if not isinstance(loaded, SplareEncoder):
            raise EncoderError(f"{folder} has no splare.json: only models of splare-os are trained")
        return loaded
    if job.options.variant != "splade":
        raise EncoderError(f"{folder} has no modules.json: it is not a SparseEncoder folder")
    try:
        encoder = SplareEncoder.from_vocabulary(str(folder))
    except UNREADABLE as error:
        raise EncoderError(
            f"model folder {folder} cannot be read ({error}): fetch or make it again"
        ) from error
    lower_logits(encoder, [data.documents[row.positive] for row in data.rows])
    encoder.model.to(device)  # whose level would differ in the last bits
    return encoder


def _save(encoder: SplareEncoder, job: DistillJob, data: TrainingSet) -> None:
    """Write the folder, in float16, once it is whole; its cuts are those of the training.

    Its prior is that of documents trained on: what the model had before is of other latents.
    """
    encoder.card = replace(
        encoder.card,
        name=job.name or Path(job.out).name,
        query_top_k=job.options.query_top_k,
        document_top_k=job.options.document_top_k,
    )
    encoder.model.to("cpu")
    merge(encoder)  # before it is rounded
    encoder.model.eval()
    encoder.prior = take_prior(encoder, drawn(data.documents))
    encoder.backbone.to(torch.float16)
    encoder.pooling.sae.convert(torch.float16)
    part = beside(job.out, ".part")
    shutil.rmtree(part, ignore_errors=True)
    encoder.save(part)
    part.rename(job.out)
