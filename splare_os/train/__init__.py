"""Texts to encoder.

texts · states (· states_store: states of a backbone's layer) → sae_training (· batch_topk, its
step · sae_untrained · sae_checkpoints) → sae_fold → sae (an SAE over raw states) → sae_job (the
whole way to a model folder).
"""

from .sae import SaeFigures, TrainedSae, level, measure
from .sae_job import SaeJob, SaeReport, train_sae_model
from .sae_options import SaeOptions
from .sae_progress import Progress
from .sae_training import train_sae
from .states import StateOptions, token_states
from .states_store import States
from .texts import draw_texts

__all__ = [
    "Progress",
    "SaeFigures",
    "SaeJob",
    "SaeOptions",
    "SaeReport",
    "StateOptions",
    "States",
    "TrainedSae",
    "draw_texts",
    "level",
    "measure",
    "token_states",
    "train_sae",
    "train_sae_model",
]
