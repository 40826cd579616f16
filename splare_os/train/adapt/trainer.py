"""transformers' Trainer for masked language models: evaluation, levelling off, resumption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.utils.data import SequentialSampler
from transformers import (
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from ...errors import TrainingError
from ..arguments import quiet_arguments
from .batches import Batch, MaskedBatches
from .model import first_bad_weight, masked_loss

if TYPE_CHECKING:
    from peft import PeftModel

    from .options import AdaptOptions


@dataclass(frozen=True, slots=True)
class AdaptProgress:
    """One step done: its loss, and the held-out loss if it was measured."""

    step: int
    loss: float
    held_out_loss: float | None = None


Watch = Callable[[AdaptProgress], None]


class MaskedTrainer(Trainer):
    """A Trainer whose batches are packed rows and whose loss is that of the masked places."""

    def __init__(
        self,
        model: PreTrainedModel,
        trained: PreTrainedModel | PeftModel,
        args: TrainingArguments,
        batches: tuple[MaskedBatches, MaskedBatches],
        *,
        autocast: bool,
    ) -> None:
        """Train `trained`, which is `model` or its PEFT wrapper, on the first of `batches`."""
        self.language_model, self.trained = model, trained
        self.batches, self.held_out = batches
        self.autocast, self.last_loss = autocast, 0.0
        super().__init__(
            trained, args, _only, train_dataset=self.batches, eval_dataset=self.held_out
        )
        self.remove_callback(PrinterCallback)

    def _get_train_sampler(self, *_: Any) -> SequentialSampler:  # noqa: ANN401
        """Return the batches in their order, which is random already."""
        return SequentialSampler(self.batches)

    def compute_loss(
        self,
        model: torch.nn.Module,  # noqa: ARG002  # the wrapper of `language_model`
        inputs: dict[str, Any],
        *_: Any,  # noqa: ANN401
        **__: Any,  # noqa: ANN401
    ) -> Tensor:
        """Return the loss of a batch; one that is no number ends the training."""
        with torch.autocast(self.args.device.type, torch.bfloat16, enabled=self.autocast):
            loss = masked_loss(self.language_model, cast(Batch, inputs))
        self.last_loss = float(loss.detach())
        if not torch.isfinite(loss):
            raise TrainingError(self._what_went_wrong())
        return loss

    @torch.no_grad()
    def held_out_loss(self) -> float:
        """Return the loss over all masked places of the held-out batches."""
        self.trained.eval()
        total, n = 0.0, 0
        for number in range(len(self.held_out)):
            batch = self._prepare_inputs(dict(self.held_out[number]))
            total += float(self.compute_loss(self.trained, batch)) * len(batch["places"])
            n += len(batch["places"])
        return total / n

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:  # noqa: ANN401
        """Measure and log the held-out loss."""
        trained_on = self.last_loss
        metrics = {"eval_loss": self.held_out_loss()}
        self.last_loss = trained_on
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def _what_went_wrong(self) -> str:
        step = self.state.global_step + 1
        where = f"step {step}: the loss is {self.last_loss}"
        if bad := first_bad_weight(self.trained):
            if step == 1:
                return f"{where}: {bad} of the model is not finite before training: fetch it again"
            return f"{where}: {bad} is not finite after step {step - 1}: take a lower lr"
        numbers = "bfloat16" if self.autocast else "float32"
        largest = max(float(weight.detach().abs().max()) for weight in self.trained.parameters())
        return f"{where}: {numbers} overflows with weights up to {largest:.1e}: take a lower lr"


class Levelling(TrainerCallback):
    """Stops where the held-out loss levels off, and tells `watch` of every step."""

    def __init__(self, options: AdaptOptions, before: float, watch: Watch | None) -> None:
        self.options, self.before, self.watch = options, before, watch
        self.trainer: MaskedTrainer | None = None

    def on_step_end(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,
        **_: Any,  # noqa: ANN401
    ) -> None:
        """Have the last step measured too; report the others."""
        if state.global_step >= state.max_steps:
            control.should_evaluate = True
        if not control.should_evaluate:
            self._report(state)

    def on_evaluate(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,
        **_: Any,  # noqa: ANN401
    ) -> None:
        """Stop if the last evaluations brought nothing."""
        losses = [self.before, *(loss for _, loss in curve(state))]
        if levelled_off(losses, self.options.patience, self.options.min_delta):
            control.should_training_stop = True
        self._report(state, losses[-1])

    def _report(self, state: TrainerState, held_out_loss: float | None = None) -> None:
        if self.watch is not None and self.trainer is not None:
            loss = self.trainer.last_loss
            self.watch(AdaptProgress(state.global_step, loss, held_out_loss))


def curve(state: TrainerState) -> list[tuple[int, float]]:
    """Return the steps at which the held-out loss was measured, and the losses."""
    found = [
        (int(log["step"]), log["eval_loss"]) for log in state.log_history if "eval_loss" in log
    ]
    return list(dict(found).items())


def levelled_off(losses: Sequence[float], patience: int, min_delta: float) -> bool:
    """Return whether the last `patience` losses fell by less than `min_delta` below the others.

    >>> levelled_off([5.0, 4.0, 3.995, 3.998], 2, 0.01), levelled_off([5.0, 4.0, 3.9, 4.1], 2, 0.01)
    (True, False)
    """
    earlier, last = losses[:-patience], losses[-patience:]
    return bool(earlier) and min(last) > min(earlier) - min_delta


def n_tokens_until(batches: MaskedBatches, step: int) -> int:
    """Return the tokens in the first `step` batches."""
    ids = batches.windows.ids
    return sum(len(ids[row]) for group in batches.groups[:step] for row in group)


def arguments(options: AdaptOptions, folder: Path) -> TrainingArguments:
    """Return the Trainer's settings: a checkpoint at each evaluation, the best kept."""
    return quiet_arguments(
        TrainingArguments,
        options,
        folder,
        max_steps=options.steps,
        per_device_train_batch_size=1,  # a batch is one row
        learning_rate=options.lr,
        warmup_steps=round(options.warmup_share * options.steps),
        weight_decay=0.01,
        optim="adamw_torch_fused",
        eval_strategy="steps",
        save_strategy="steps",
        eval_steps=options.evaluate_every,
        save_steps=options.evaluate_every,
        save_total_limit=1,
        load_best_model_at_end=True,
        metric_for_best_model="loss",
        greater_is_better=False,
        remove_unused_columns=False,
    )


def _only(rows: list[Batch]) -> dict[str, Any]:
    """Return the one batch that a batch of batches holds."""
    (row,) = rows
    return dict(row)
