"""Token states to an SAE, through sae-lens' trainer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ...errors import TrainingError
from .checkpoints import Checkpoints
from .fold import Centring, centre, fold
from .options import SaeOptions
from .progress import Progress, Watch, unwatched
from .sae import TrainedSae
from .states_store import States
from .untrained import untrained

if TYPE_CHECKING:
    from sae_lens.config import SAETrainerConfig
    from sae_lens.saes.sae import TrainStepOutput
    from sae_lens.training.sae_trainer import SAETrainer

SAMPLE = 4096


def train_sae(
    states: States,
    options: SaeOptions,
    *,
    checkpoints: Checkpoints | None = None,
    watch: Watch = unwatched,
) -> TrainedSae:
    """Return an SAE of `states` with decoder rows of norm 1.

    On one thread, one kind of processor and one torch, the same states and options give the same
    weights, whether or not training was stopped and went on from `checkpoints`.
    """
    from sae_lens.training.sae_trainer import SAETrainer

    if states.rows.ndim != 2 or len(states) < options.batch_tokens:
        raise ValueError(
            f"states have shape {states.rows.shape}: give [token, state] with at least "
            f"batch_tokens={options.batch_tokens} tokens"
        )
    centring = centre(states)
    sae = untrained(centring.apply(states.read(slice(0, SAMPLE))), options).to(options.device)
    # its seams for those who bring their own loop; its `fit` draws a bar and stops at nothing
    trainer = SAETrainer(_schedule(options), sae, iter(()))
    step = checkpoints.load(trainer) if checkpoints else 0
    batches = _batches(states, centring, options, step)
    for output in _steps(trainer, batches, options):
        step = trainer.n_training_steps
        if checkpoints and checkpoints.due(step):
            checkpoints.save(trainer)
        watch(Progress("training", step, options.n_steps, "steps", _note(output)))
    return fold(trainer.sae, centring)


def _steps(
    trainer: SAETrainer, batches: Iterator[Tensor], options: SaeOptions
) -> Iterator[TrainStepOutput]:
    """Yield what each step that is left gives; `TrainingError` for a loss that is no number."""
    while trainer.n_training_steps < options.n_steps:
        batch = next(batches)
        output = trainer.step(batch)
        trainer.n_training_steps += 1
        _check(output, batch, trainer.n_training_steps, options)
        yield output


def _schedule(options: SaeOptions) -> SAETrainerConfig:
    from sae_lens.config import SAETrainerConfig

    steps = options.n_steps
    return SAETrainerConfig(
        total_training_samples=steps * options.batch_tokens,
        train_batch_size_samples=options.batch_tokens,
        lr=options.lr,
        lr_end=0.0,
        lr_warm_up_steps=min(20, steps // 10),
        lr_decay_steps=int(steps * options.decay_share),
        dead_feature_window=options.dead_window,
        feature_sampling_window=steps + 1,  # the histograms drawn at a window's end go unread
        autocast=options.autocasts,
        device=options.device,
    )


def _batches(
    states: States, centring: Centring, options: SaeOptions, first_step: int
) -> Iterator[Tensor]:
    """Yield centred batches for ever, each pass in a new order that the seed and its number give.

    The batches of the first `first_step` steps are passed over.
    """
    size = options.batch_tokens
    number, skipped = divmod(first_step, len(states) // size)
    while True:
        order = np.random.default_rng((options.seed, number)).permutation(len(states))
        for start in range(skipped * size, len(order) - size + 1, size):
            rows = np.sort(order[start : start + size])  # kinder to a mapped file
            yield centring.apply(states.read(rows))
        number, skipped = number + 1, 0


def _check(output: TrainStepOutput, batch: Tensor, step: int, options: SaeOptions) -> None:
    """Stop a training whose loss is no number, and say why that may be."""
    loss = float(output.loss.detach())
    if np.isfinite(loss):
        return
    cause = f"it has diverged: lower the learning rate (lr={options.lr})"
    if not torch.isfinite(batch).all():
        cause = "the states of its batch hold NaN or infinity: take the states anew"
    raise TrainingError(f"training stopped at step {step}, where the loss is {loss}: {cause}")


def _note(output: TrainStepOutput) -> str:
    return f"loss {float(output.losses['mse_loss'].detach()):.4g}"
