"""What transformers' Trainer is told in every training: one device, no printing, no reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import torch
from transformers import TrainingArguments

from .options import TrainingOptions

A = TypeVar("A", bound=TrainingArguments)


def quiet_arguments(
    kind: type[A],
    options: TrainingOptions,
    folder: Path,
    **settings: Any,  # noqa: ANN401  # handed through unread
) -> A:
    """Return arguments with `settings`, for a Trainer that works in `folder` on one device."""
    asked = torch.device(options.device)
    args = kind(
        output_dir=str(folder),
        use_cpu=asked.type == "cpu",
        seed=options.seed,
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
        **settings,
    )
    _keep_to(args, asked)
    return args


def _keep_to(args: TrainingArguments, asked: torch.device) -> None:
    """Have a Trainer run on `asked` alone.

    On n GPUs it would draw n batches at a time, and put the model on the first.
    """
    args._n_gpu = 1  # there is no public way
    if asked.type == "cuda" and asked.index is not None:
        torch.cuda.set_device(asked)
        args._setup_devices = asked  # what `args.device` returns
