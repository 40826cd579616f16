"""Texts to encoder: states · sae (· batch_topk, its training step)."""

from .sae import SaeFigures, SaeOptions, TrainedSae, level, measure, train_sae
from .states import StateOptions, States, token_states

__all__ = [
    "SaeFigures",
    "SaeOptions",
    "StateOptions",
    "States",
    "TrainedSae",
    "level",
    "measure",
    "token_states",
    "train_sae",
]
