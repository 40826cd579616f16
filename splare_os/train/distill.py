"""Distillation: an encoder, pairs and a teacher in; the encoder trained to search, out.

Source: SPLARE, arXiv 2603.13277; its variants SAE-SPLADE, arXiv 2604.21511, and SPLADE,
arXiv 2109.10086.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import torch
from datasets import Dataset
from sentence_transformers import SparseEncoder
from sentence_transformers.sparse_encoder.callbacks.splade_callbacks import (
    SpladeRegularizerWeightSchedulerCallback,
)
from sentence_transformers.sparse_encoder.losses import CachedSpladeLoss, SpladeLoss
from torch import Tensor

from ..encode.encoder import SplareEncoder
from ..errors import TrainingError
from .batches import Vectors
from .distill_options import DistillOptions
from .distill_trainer import (
    DistillTrainer,
    Reporter,
    Watch,
    arguments,
    autocasts,
    last_checkpoint,
    without_printing,
)
from .losses import DistillationLoss, Places, Teacher
from .pairs import TrainingSet
from .schedule import Schedule, table
from .variants import prepare

RECORD = "distill.json"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Means over pairs that were not trained on: loss terms, and latents active per text."""

    divergence: float
    contrast: float
    query_latents: float
    document_latents: float


@dataclass(frozen=True, slots=True)
class DistillFigures:
    """What held-out pairs say `before` and `after` `steps` steps."""

    before: HeldOut
    after: HeldOut
    steps: int


def distill(
    encoder: SplareEncoder,
    data: TrainingSet,
    teacher: Teacher | None,
    options: DistillOptions,
    *,
    work: Path,
    vectors: Vectors | None = None,
    watch: Watch | None = None,
) -> DistillFigures:
    """Train `encoder` (float32) where it is, and return how held-out pairs changed.

    Checkpoints lie in the folder `work`: a training that was stopped goes on from the last one
    when it is called again, to the same weights. `vectors` [query, dimension] make batches of
    queries that are alike. The LoRA adapter is merged when the encoder is saved.
    """
    _begin(work, encoder, data, options)
    torch.manual_seed(options.seed)
    schedule = Schedule.draw(data, options, vectors)
    prepare(encoder, options)
    goal = DistillationLoss(
        data,
        teacher,
        temperature=options.temperature,
        contrast=options.contrast,
        n_negatives=options.negatives,
        top_k=(options.query_top_k, options.document_top_k),
    )
    with _cut_at(encoder, options.max_tokens):
        trainer = _trainer(
            encoder, goal, table(data, schedule.trained, options.negatives), options, work
        )
        if watch is not None:
            reporter = Reporter(watch)
            reporter.trainer = trainer
            trainer.add_callback(reporter)
        before = _before(work, encoder, goal, schedule.held_out, options)
        trainer.train(resume_from_checkpoint=last_checkpoint(work))
        after = held_out(encoder, goal, schedule.held_out, options)
    encoder.model.eval()
    steps = trainer.state.global_step
    return DistillFigures(before, after, steps)


def held_out(
    encoder: SplareEncoder, goal: DistillationLoss, batches: Places, options: DistillOptions
) -> HeldOut:
    """Return the means over `batches` [batch, row]; terms that are switched off are 0."""
    model = encoder.model.eval()
    sums = dict.fromkeys(HeldOut.__dataclass_fields__, 0.0)
    for places in batches:
        columns = table(goal.data, places, options.negatives)
        with torch.no_grad(), torch.autocast(options.device, torch.bfloat16, autocasts(options)):
            impacts = [_impacts(model, columns[name]) for name in columns.column_names[:-1]]
            terms = goal.compute_loss_from_embeddings(impacts, torch.tensor(columns["label"]))
        for name, value in terms.items():
            sums[name] += float(value)
        sums["query_latents"] += _active(impacts[:1])
        sums["document_latents"] += _active(impacts[1:])
    return HeldOut(**{name: value / max(len(batches), 1) for name, value in sums.items()})


def _impacts(model: SparseEncoder, texts: Sequence[str]) -> Tensor:
    features = model.preprocess(list(texts))
    on_device = {
        key: value.to(model.device) if isinstance(value, Tensor) else value
        for key, value in features.items()
    }
    impacts: Tensor = model(on_device)["sentence_embedding"]
    return impacts


def _active(columns: Sequence[Tensor]) -> float:
    return float((torch.cat(list(columns)) > 0).sum(dim=1).float().mean())


def _trainer(
    encoder: SplareEncoder,
    goal: DistillationLoss,
    rows: Dataset,
    options: DistillOptions,
    work: Path,
) -> DistillTrainer:
    weights = options.document_flops, options.query_flops
    loss = SpladeLoss(encoder.model, goal, *weights)
    if options.mini_batch:
        loss = CachedSpladeLoss(encoder.model, goal, *weights, mini_batch_size=options.mini_batch)
    ramp = SpladeRegularizerWeightSchedulerCallback(loss, warmup_ratio=options.ramp)
    return without_printing(
        DistillTrainer(
            model=encoder.model,
            args=arguments(options, work),
            train_dataset=rows,
            loss=loss,
            callbacks=[ramp],
        )
    )


def _begin(work: Path, encoder: SplareEncoder, data: TrainingSet, options: DistillOptions) -> None:
    """Refuse a work folder of another training; otherwise note in it which one it is of."""
    digest = sha256(json.dumps([encoder.fingerprint, asdict(options)]).encode())
    for text in (*data.queries, *data.documents):
        digest.update(sha256(text.encode()).digest())
    digest.update(repr(data.rows).encode())
    record = work / RECORD
    if record.is_file():
        begun = json.loads(record.read_text(encoding="utf-8"))
        if begun["digest"] != digest.hexdigest():
            raise TrainingError(
                f"{work} is of a training with another model, other pairs or options: "
                "give the same ones to go on, or remove the folder"
            )
        return
    work.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"digest": digest.hexdigest()}), encoding="utf-8")


def _before(
    work: Path,
    encoder: SplareEncoder,
    goal: DistillationLoss,
    batches: Places,
    options: DistillOptions,
) -> HeldOut:
    """Return the held-out figures before the first step, measured now or when it began."""
    record = work / RECORD
    known = json.loads(record.read_text(encoding="utf-8"))
    if "before" not in known:
        known["before"] = asdict(held_out(encoder, goal, batches, options))
        partial = record.with_suffix(".partial")
        partial.write_text(json.dumps(known), encoding="utf-8")
        partial.replace(record)
    return HeldOut(**known["before"])


@contextmanager
def _cut_at(encoder: SplareEncoder, max_tokens: int) -> Iterator[None]:
    """Have texts cut at `max_tokens` while training, and at the window afterwards."""
    window = encoder.backbone.max_seq_length
    encoder.backbone.max_seq_length = min(max_tokens, encoder.card.window)
    try:
        yield
    finally:
        encoder.backbone.max_seq_length = window
