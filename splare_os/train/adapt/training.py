"""A language model adapted to the user's own texts: masks filled by encoders and by decoders."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import cast

from torch import nn
from transformers import PreTrainedModel, TrainerState

from ...durable import write_durably
from ...errors import TrainingError
from ...paths import StrPath
from ..work_folder import CLAIM, beside, claim, clear, last_checkpoint, locked
from .batches import MaskedBatches, Masking, hold_out, mask_id, once, shuffled, windows_of
from .model import (
    is_encoder,
    load_language_model,
    load_tokenizer,
    merged,
    save_language_model,
    with_lora,
)
from .options import AdaptOptions
from .trainer import (
    AdaptProgress,
    Levelling,
    MaskedTrainer,
    Watch,
    arguments,
    curve,
    levelled_off,
    n_tokens_until,
)

DECODER_RANK = 16
RECORD = "run.json"
OURS = (*CLAIM, f"{RECORD}*", "checkpoint-*")
"""What a work folder holds."""


@dataclass(frozen=True, slots=True)
class AdaptFigures:
    """The mean held-out loss (nats a masked token) before and after, and of each evaluation.

    `after` is the best of the `curve`, whose weights are kept; it is below `before`. `n_tokens`
    counts repeated texts each time; `tokens_per_s` is of this run alone, evaluations included.
    """

    before: float
    after: float
    curve: tuple[tuple[int, float], ...]
    steps: int
    n_tokens: int
    levelled_off: bool
    tokens_per_s: float


def adapt(
    texts: Sequence[str],
    backbone: str,
    out: StrPath,
    options: AdaptOptions | None = None,
    *,
    watch: Watch | None = None,
) -> AdaptFigures:
    """Return how well the model folder or hub id `backbone` learnt to fill masks in `texts`.

    The model, whole and with its head, is written to the folder `out`. A run that was stopped
    goes on from its last evaluation when it is called again; `watch` is told of every step.
    `TrainingError` if no evaluation is better than what `backbone` had learnt before.
    """
    options = options or AdaptOptions()
    out = Path(out)
    require_new(out)
    work = beside(out, ".work")
    with locked(work, OURS):
        figures = _adapted(texts, backbone, options, watch, out=out, work=work)
        clear(work, OURS)
    return figures


def require_new(out: Path) -> None:
    """Refuse to write over what is there."""
    if out.exists():
        raise ValueError(f"{out} is there already: choose another folder to write")


def _adapted(
    texts: Sequence[str],
    backbone: str,
    options: AdaptOptions,
    watch: Watch | None,
    *,
    out: Path,
    work: Path,
) -> AdaptFigures:
    model = load_language_model(backbone, seed=options.seed)
    trainer = _trainer(model, _batches(texts, backbone, model, options), work, options)
    before = _begin(trainer, work, _begun_with(texts, backbone, options))
    levelling = Levelling(options, before, watch)
    levelling.trainer = trainer
    trainer.add_callback(levelling)
    started, checkpoint = time.perf_counter(), last_checkpoint(work)
    if checkpoint is None and watch is not None:
        watch(AdaptProgress(0, before, before))
    _train(trainer, checkpoint, before, options)
    figures = _figures(trainer, before, time.perf_counter() - started, checkpoint)
    _require_gain(figures, work, options)
    save_language_model(merged(trainer.trained), backbone, out)
    return figures


def _require_gain(figures: AdaptFigures, work: Path, options: AdaptOptions) -> None:
    """Refuse a model that fills masks no better than before; `work` would refuse another lr."""
    if figures.after < figures.before:
        return
    clear(work, OURS)
    raise TrainingError(
        f"no evaluation has a held-out loss below {figures.before:.4f}, that before training; the "
        f"best has {figures.after:.4f}, so nothing is kept: take a lower lr (lr={options.lr})"
    )


def _train(
    trainer: MaskedTrainer, checkpoint: Path | None, before: float, options: AdaptOptions
) -> None:
    """Train from `checkpoint` on, to the best weights; no further if it had levelled off there."""
    if checkpoint is not None:
        state = _state_in(checkpoint)
        losses = [before, *(loss for _, loss in curve(state))]
        if levelled_off(losses, options.patience, options.min_delta):
            trainer.state = state
            trainer._load_best_model()  # what `train` ends with
            return
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


def _state_in(checkpoint: Path) -> TrainerState:
    """Return the state in a checkpoint; the best one is beside it, whatever led there at first.

    A Trainer that does not find the best weights keeps those that it has.
    """
    path = str(checkpoint / "trainer_state.json")
    state: TrainerState = TrainerState.load_from_json(path)
    if state.best_model_checkpoint is not None:
        best = checkpoint.with_name(Path(state.best_model_checkpoint).name)
        state.best_model_checkpoint = str(best)
        state.save_to_json(path)
    return state


def _batches(
    texts: Sequence[str], name: str, model: PreTrainedModel, options: AdaptOptions
) -> tuple[MaskedBatches, MaskedBatches]:
    """Return the batches to train on and those to measure on."""
    tokenizer = load_tokenizer(name)
    positions = model.config.max_position_embeddings
    if options.window > positions:
        raise ValueError(f"window={options.window}: {name} has positions for {positions} tokens")
    special = frozenset(tokenizer.all_special_ids)
    # Gemma 3's tokenizer, made for images too, has a token that its models of text alone lack
    embedding = cast(nn.Embedding, model.get_input_embeddings())
    vocabulary = min(len(tokenizer), embedding.num_embeddings)
    masking = Masking(
        share=options.masked_share,
        mask_id=mask_id(tokenizer, options.mask_token, vocabulary=vocabulary),
        vocabulary=vocabulary,
        special=special,
        from_previous=not is_encoder(model),
    )
    parts = hold_out(texts, share=options.held_out_share, limit=options.held_out_texts)
    train, held_out = (windows_of(part, tokenizer, special, options.window) for part in parts)
    sizes = {"max_tokens": options.batch_tokens}
    groups = shuffled(train, masking, n_groups=options.steps, seed=options.seed, **sizes)
    return (
        MaskedBatches(train, masking, groups, seed=options.seed),
        MaskedBatches(held_out, masking, once(held_out, masking, **sizes), seed=options.seed),
    )


def _trainer(
    model: PreTrainedModel,
    batches: tuple[MaskedBatches, MaskedBatches],
    work: Path,
    options: AdaptOptions,
) -> MaskedTrainer:
    rank = options.lora_rank
    if rank is None:
        rank = 0 if is_encoder(model) else DECODER_RANK
    trained = with_lora(model, rank) if rank else model
    args = arguments(options, work)
    return MaskedTrainer(model, trained, args, batches, autocast=options.autocasts)


def _begin(trainer: MaskedTrainer, work: Path, begun_with: dict[str, object]) -> float:
    """Return the held-out loss before the first step, measured now or when the run began."""
    record = work / RECORD
    if record.exists():
        claim(work, begun_with)
        return float(json.loads(record.read_text())["before"])
    before = trainer.held_out_loss()
    claim(work, begun_with)
    write_durably(record, json.dumps({"before": before}).encode())
    return before


def _begun_with(texts: Sequence[str], backbone: str, options: AdaptOptions) -> dict[str, object]:
    """Return all that the training depends on; it may go on on another device."""
    digest = sha256(b"".join(sha256(text.encode()).digest() for text in texts))
    known = {"backbone": backbone, "texts": f"{len(texts)}, {digest.hexdigest()[:16]}"}
    return known | asdict(replace(options, device="cpu"))


def _figures(
    trainer: MaskedTrainer, before: float, seconds: float, resumed_from: Path | None
) -> AdaptFigures:
    state: TrainerState = trainer.state
    found, first = curve(state), 0
    if resumed_from is not None:
        first = int(resumed_from.name.partition("-")[2])
    n_tokens = n_tokens_until(trainer.batches, state.global_step)
    new = n_tokens - n_tokens_until(trainer.batches, first)
    return AdaptFigures(
        before=before,
        after=min(loss for _, loss in found),
        curve=tuple(found),
        steps=state.global_step,
        n_tokens=n_tokens,
        levelled_off=state.global_step < state.max_steps,
        tokens_per_s=new / seconds,
    )
