"""Distillation: an encoder, pairs and a teacher in; the encoder trained to search, out.

Source: SPLARE, arXiv 2603.13277; its variants SAE-SPLADE, arXiv 2604.21511, and SPLADE,
arXiv 2109.10086.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from sentence_transformers.sparse_encoder.callbacks.splade_callbacks import (
    SpladeRegularizerWeightSchedulerCallback,
)
from sentence_transformers.sparse_encoder.losses import CachedSpladeLoss, SpladeLoss

from ...encode.encoder import SplareEncoder
from ...errors import TrainingError
from ...paths import StrPath
from ..work_folder import claim, last_checkpoint, require_same
from .batches import Vectors
from .calibration import Calibration
from .collator import RowCollator
from .held_out import HeldOut, held_out
from .losses import DistillationLoss, Places, Teacher
from .options import MAX_TOKENS, DistillOptions
from .pairs import TrainingSet
from .schedule import Schedule, check_rows, columns
from .temperature import fitted
from .trainer import (
    DistillTrainer,
    Reporter,
    Watch,
    arguments,
    require_finite,
    without_printing,
)
from .variants import interpolate, prepare, require_fit

RECORD = "distill.json"
SAMPLED_ROWS = 8


@dataclass(frozen=True, slots=True)
class DistillFigures:
    """What held-out pairs say `before` and `after` `steps` steps at a `temperature`."""

    before: HeldOut
    after: HeldOut
    steps: int
    temperature: float


def distill(
    encoder: SplareEncoder,
    data: TrainingSet,
    teacher: Teacher | None,
    options: DistillOptions,
    *,
    work: StrPath,
    vectors: Vectors | None = None,
    watch: Watch | None = None,
) -> DistillFigures:
    """Train `encoder` (float32) where it is, and return how held-out pairs changed.

    Checkpoints lie in the folder `work`: a training that was stopped goes on from the last one
    when it is called again; on one thread, one kind of processor and one torch to the same weights.
    `vectors` [query, dimension] make batches of queries that are alike. The LoRA adapter is merged
    when the encoder is saved.
    """
    work = Path(work)
    check(encoder, data, options, work)
    schedule = Schedule.draw(data, options, vectors)
    _begin(work, encoder, data, teacher, options)
    torch.manual_seed(options.seed)
    prepare(encoder, options)
    goal = _goal(encoder, data, teacher, options)
    with _cut_at(encoder, options.max_tokens):
        trainer = _trainer(encoder, goal, schedule.trained, options, work)
        if watch is not None:
            reporter = Reporter(watch)
            reporter.trainer = trainer
            trainer.add_callback(reporter)
        before = _before(work, encoder, goal, schedule.held_out, options)
        _train(trainer, encoder, work, options)
        after = held_out(encoder, goal, schedule.held_out, options)
    encoder.model.eval()
    return DistillFigures(before, after, trainer.state.global_step, goal.temperature)


def check(encoder: SplareEncoder, data: TrainingSet, options: DistillOptions, work: Path) -> None:
    """Refuse, before a teacher is asked, what cannot be trained or is not what `work` is of."""
    check_rows(data, options)
    require_fit(encoder, options)
    window = encoder.card.window
    if options.max_tokens is not None and options.max_tokens > window:
        raise ValueError(f"max_tokens={options.max_tokens}: the model reads {window} at once")
    if options.scoring == "calibrated" and encoder.prior is None:
        raise ValueError(
            "scoring='calibrated': the model has no prior; `splare-os train prior` makes it"
        )
    require_finite(encoder.model, 0)
    require_same(work, _begun_with(encoder, data, options))


def _goal(
    encoder: SplareEncoder, data: TrainingSet, teacher: Teacher | None, options: DistillOptions
) -> DistillationLoss:
    prior = encoder.prior if options.scoring == "calibrated" else None
    return DistillationLoss(
        data,
        teacher,
        temperature=options.temperature or 1.0,
        contrast=options.contrast,
        n_negatives=options.negatives,
        top_k=(options.query_top_k, options.document_top_k),
        least_top_k=options.least_document_top_k,
        calibration=Calibration.of(prior) if prior else None,
    )


def _trainer(
    encoder: SplareEncoder,
    goal: DistillationLoss,
    places: Places,
    options: DistillOptions,
    work: Path,
) -> DistillTrainer:
    weights = options.document_flops, options.query_flops
    loss = SpladeLoss(encoder.model, goal, *weights)
    if options.mini_batch:
        loss = CachedSpladeLoss(encoder.model, goal, *weights, mini_batch_size=options.mini_batch)
    n_negatives, prompts = options.negatives, encoder.model.prompts
    texts = partial(columns, goal.data, n_negatives=n_negatives, prompts=prompts)
    ramp = SpladeRegularizerWeightSchedulerCallback(loss, warmup_ratio=options.ramp)
    return without_printing(
        DistillTrainer(
            model=encoder.model,
            args=arguments(options, work),
            train_dataset=Dataset.from_dict({"label": places.ravel()}),
            data_collator=RowCollator(encoder.model.preprocess, texts=texts),
            loss=loss,
            callbacks=[ramp],
        )
    )


def _train(
    trainer: DistillTrainer, encoder: SplareEncoder, work: Path, options: DistillOptions
) -> None:
    checkpoint = last_checkpoint(work)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    require_finite(encoder.model, options.steps)
    interpolate(encoder, options.interpolation)


def _begin(
    work: Path,
    encoder: SplareEncoder,
    data: TrainingSet,
    teacher: Teacher | None,
    options: DistillOptions,
) -> None:
    """Refuse a work folder of another training; otherwise note in it which one it is of."""
    claim(work, _begun_with(encoder, data, options))
    said, record = _sample(teacher, data), work / RECORD
    if not record.is_file():
        _note(record, {"taught": said})
        return
    then = json.loads(record.read_text(encoding="utf-8"))["taught"]
    if len(then) != len(said) or not np.allclose(then, said, rtol=0.05, equal_nan=True):
        raise TrainingError(
            f"{work} is of a training with another teacher: give the same one to go on, or remove "
            "the folder"
        )


def _begun_with(
    encoder: SplareEncoder, data: TrainingSet, options: DistillOptions
) -> dict[str, object]:
    """Return all that a training depends on, but its teacher.

    It may go on on another device, or be ended with another interpolation.
    """
    digest = sha256()
    for text in (*data.queries, *data.documents):
        digest.update(sha256(text.encode()).digest())
    digest.update(repr(data.rows).encode())
    known = {
        "model": encoder.card.fingerprint or _weights(encoder),
        "pairs": f"{len(data.rows)}, {digest.hexdigest()[:16]}",
    }
    same = replace(options, device="cpu", checkpoint_steps=1, interpolation=1.0)
    return known | asdict(same)


def _weights(encoder: SplareEncoder) -> str:
    """Return what identifies an encoder that was never saved."""
    digest = sha256()
    for name, tensor in encoder.model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def _sample(teacher: Teacher | None, data: TrainingSet) -> list[float]:
    """Return what the teacher says of the first queries, by which it is known again."""
    if teacher is None:
        return []
    rows = data.rows[: min(SAMPLED_ROWS, data.starts[1][2])]
    queries, documents = ([getattr(row, of) for row in rows] for of in ("query", "positive"))
    said: list[float] = teacher(np.array(queries), np.array(documents)).ravel().tolist()
    return said


def _note(record: Path, content: dict[str, object]) -> None:
    partial = record.with_suffix(".partial")
    partial.write_text(json.dumps(content), encoding="utf-8")
    partial.replace(record)


def _before(
    work: Path,
    encoder: SplareEncoder,
    goal: DistillationLoss,
    batches: Places,
    options: DistillOptions,
) -> HeldOut:
    """Set the goal's temperature, and return the held-out figures before the first step.

    Both are as they were when the training began.
    """
    record = work / RECORD
    known = json.loads(record.read_text(encoding="utf-8"))
    if "before" not in known:
        goal.temperature = options.temperature or fitted(encoder, goal, batches, options)
        known["temperature"] = goal.temperature
        known["before"] = asdict(held_out(encoder, goal, batches, options))
        _note(record, known)
    goal.temperature = known["temperature"]
    return HeldOut(**known["before"])


@contextmanager
def _cut_at(encoder: SplareEncoder, max_tokens: int | None) -> Iterator[None]:
    """Have texts cut at `max_tokens` while training, and at the window afterwards."""
    window = encoder.backbone.max_seq_length
    encoder.backbone.max_seq_length = max_tokens or min(MAX_TOKENS, encoder.card.window)
    try:
        yield
    finally:
        encoder.backbone.max_seq_length = window
