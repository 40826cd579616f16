"""sentence-transformers' trainer: batches in their order, small checkpoints, no silent NaN."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from datasets import Dataset
from safetensors.torch import load_file, save_file
from sentence_transformers import SparseEncoderTrainer, SparseEncoderTrainingArguments
from sentence_transformers.base.sampler import DefaultBatchSampler
from torch import Tensor, nn
from torch.utils.data import SequentialSampler
from transformers import (
    PrinterCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from ...errors import TrainingError
from ..arguments import quiet_arguments
from .options import DistillOptions

TRAINED = "trained.safetensors"


@dataclass(frozen=True, slots=True)
class DistillProgress:
    """One step done, and its loss: divergence, contrast and FLOPS terms together."""

    step: int
    loss: float


Watch = Callable[[DistillProgress], None]


class DistillTrainer(SparseEncoderTrainer):
    """A trainer whose checkpoints hold what is trained, and that stops at a loss that is none."""

    last_loss = 0.0

    def compute_loss(self, *args: Any, **kwargs: Any) -> Tensor:  # noqa: ANN401  # theirs
        """Return the loss of a batch; one that is not finite ends the training."""
        try:
            loss = cast(Tensor, super().compute_loss(*args, **kwargs))
        except TrainingError as error:
            raise TrainingError(self._what_went_wrong(str(error))) from error
        self.last_loss = float(loss.detach())
        if not torch.isfinite(loss):
            cause = "weights are finite, so scores or impacts overflow: take a lower lr"
            raise TrainingError(self._what_went_wrong(f"the loss is {self.last_loss}; {cause}"))
        return loss

    def add_model_card_callback(self, *_: Any) -> None:  # noqa: ANN401
        """Leave out their card, which would encode examples first: a model has its own."""

    def _save(self, output_dir: str | None = None, state_dict: object = None) -> None:  # noqa: ARG002
        folder = Path(str(output_dir or self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        trained = {
            name: parameter.detach().contiguous()
            for name, parameter in self.model.named_parameters()
            if parameter.requires_grad
        }
        save_file(trained, folder / TRAINED)

    def _load_from_checkpoint(
        self,
        resume_from_checkpoint: str,
        model: nn.Module | None = None,  # noqa: ARG002
    ) -> None:
        trained = load_file(Path(resume_from_checkpoint) / TRAINED)
        self.model.load_state_dict(trained, strict=False)

    def _what_went_wrong(self, seen: str) -> str:
        require_finite(self.model, self.state.global_step)
        return f"step {self.state.global_step + 1}: {seen}"


def require_finite(model: nn.Module, step: int) -> None:
    """Refuse a model with a weight that is NaN or infinite after `step` steps, and name it."""
    for name, parameter in model.named_parameters():
        if not parameter.isfinite().all():
            advice = "take a lower lr" if step else "make the model again"
            raise TrainingError(f"{name} is not finite after step {step}: {advice}")


class Reporter(TrainerCallback):
    """Tells `watch` of every step."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.trainer: DistillTrainer | None = None

    def on_step_end(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **_: Any,  # noqa: ANN401
    ) -> None:
        """Report the step and its loss."""
        if self.trainer is not None:
            self.watch(DistillProgress(state.global_step, self.trainer.last_loss))


def arguments(options: DistillOptions, folder: Path) -> SparseEncoderTrainingArguments:
    """Return the trainer's settings for a training that lives in `folder`."""
    return quiet_arguments(
        SparseEncoderTrainingArguments,
        options,
        folder,
        max_steps=options.steps,
        per_device_train_batch_size=options.batch_size,
        gradient_accumulation_steps=options.accumulation,
        learning_rate=options.lr,
        warmup_steps=round(options.warm_up * options.steps),
        lr_scheduler_type="linear",
        bf16=options.autocasts,
        save_steps=options.checkpoint_steps,
        save_total_limit=2,
        batch_sampler=_in_order,
    )


def without_printing(trainer: DistillTrainer) -> DistillTrainer:
    """Return the trainer without its habit of printing logs to stdout."""
    trainer.remove_callback(PrinterCallback)
    return trainer


def _in_order(dataset: Dataset, **options: Any) -> DefaultBatchSampler:  # noqa: ANN401  # theirs
    return DefaultBatchSampler(SequentialSampler(dataset), **options)
