"""One device for transformers' Trainer, which would take every GPU there is."""

from __future__ import annotations

from typing import TypeVar

import torch
from transformers import TrainingArguments

A = TypeVar("A", bound=TrainingArguments)


def on_one_device(args: A, device: str) -> A:
    """Return `args`, with which a Trainer runs on `device` alone.

    On n GPUs it would draw n batches at a time, and put the model on the first.
    """
    asked = torch.device(device)
    args._n_gpu = 1  # there is no public way
    if asked.type == "cuda" and asked.index is not None:
        torch.cuda.set_device(asked)
        args._setup_devices = asked  # what `args.device` returns
    return args
