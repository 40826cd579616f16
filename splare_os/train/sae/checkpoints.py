"""Checkpoints that the training of an SAE goes on from."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import TrainingError

if TYPE_CHECKING:
    from sae_lens.training.sae_trainer import SAETrainer


class Checkpoints:
    """sae-lens' own checkpoints in `folder`, every `every_steps` steps; the last one is kept.

    A checkpoint has weights, optimiser, schedules, counters and step. Batches are a function of
    seed and step, and nothing else is drawn after the start, so no generator is kept.
    """

    def __init__(self, folder: Path, *, every_steps: int = 500) -> None:
        if every_steps < 1:
            raise ValueError(f"every_steps={every_steps}: must be at least 1")
        self.folder, self.every_steps = folder, every_steps

    def due(self, step: int) -> bool:
        """Return whether a checkpoint is made after `step` steps."""
        return step % self.every_steps == 0

    def save(self, trainer: SAETrainer) -> None:
        """Write a checkpoint whole, then drop the one before."""
        for name, tensor in trainer.sae.state_dict().items():
            if not tensor.isfinite().all():
                raise TrainingError(
                    f"step {trainer.n_training_steps}: {name} holds NaN or infinity, so training "
                    "has diverged: lower the learning rate"
                )
        target = self.folder / f"step-{trainer.n_training_steps}"
        part = target.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        trainer.sae.save_model(part)
        trainer.save_trainer_state(part)
        for path in part.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        before = self._steps()
        part.rename(target)
        for step in before:
            shutil.rmtree(self.folder / f"step-{step}")

    def load(self, trainer: SAETrainer) -> int:
        """Bring `trainer` to the last checkpoint, if there is one; return the steps it has made."""
        if steps := self._steps():
            folder = self.folder / f"step-{max(steps)}"
            trainer.sae.load_weights_from_checkpoint(folder)
            trainer.load_trainer_state(folder)
        return int(trainer.n_training_steps)

    def _steps(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        found = (re.fullmatch(r"step-(\d+)", path.name) for path in self.folder.iterdir())
        return [int(match[1]) for match in found if match]
