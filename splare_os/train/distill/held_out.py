"""What pairs that are not trained on say of a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from sentence_transformers import SparseEncoder
from torch import Tensor

from ...encode.encoder import SplareEncoder
from .losses import DistillationLoss, Places
from .options import DistillOptions
from .schedule import columns


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Means over pairs that were not trained on: loss terms, and latents active per text."""

    divergence: float
    contrast: float
    query_latents: float
    document_latents: float


def held_out(
    encoder: SplareEncoder, goal: DistillationLoss, batches: Places, options: DistillOptions
) -> HeldOut:
    """Return the means over `batches` [batch, row]; terms that are switched off are 0."""
    sums = dict.fromkeys(HeldOut.__dataclass_fields__, 0.0)
    for impacts, labels in encoded(encoder, goal, batches, options):
        for name, value in goal.compute_loss_from_embeddings(impacts, labels).items():
            sums[name] += float(value)
        sums["query_latents"] += _active(impacts[:1])
        sums["document_latents"] += _active(impacts[1:])
    return HeldOut(**{name: value / len(batches) for name, value in sums.items()})


def encoded(
    encoder: SplareEncoder, goal: DistillationLoss, batches: Places, options: DistillOptions
) -> Iterator[tuple[list[Tensor], Tensor]]:
    """Yield the impacts [row, latent] of each column and the labels [row] of every batch."""
    model, kind = encoder.model.eval(), torch.device(options.device).type
    for places in batches:
        texts = columns(goal.data, places, options.negatives, model.prompts)
        size = options.mini_batch or len(places)
        with torch.no_grad(), torch.autocast(kind, torch.bfloat16, options.autocasts):
            impacts = [_impacts(model, column, size) for column in texts.values()]
        yield impacts, torch.from_numpy(places)


def _impacts(model: SparseEncoder, texts: Sequence[str], size: int) -> Tensor:
    """Return impacts [text, latent], of `size` texts at a time."""
    parts = []
    for start in range(0, len(texts), size):
        features = model.preprocess(list(texts[start : start + size]))
        on_device = {
            key: value.to(model.device) if isinstance(value, Tensor) else value
            for key, value in features.items()
        }
        parts.append(model(on_device)["sentence_embedding"])
    return torch.cat(parts)


def _active(columns: Sequence[Tensor]) -> float:
    return float((torch.cat(list(columns)) > 0).sum(dim=1).float().mean())
