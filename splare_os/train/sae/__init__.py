"""Texts to a sparse autoencoder over a backbone's token states.

states (· states_store: states of a backbone's layer) → training (· batch_topk, its step · untrained
· checkpoints) → fold → sae (an SAE over raw states) → level → model (its folder) → job (all of it).
embeddings: the same over sentence embeddings.
"""

from .embeddings import EMBEDDINGS, train_dense_sae
from .job import SaeReport, train_sae_model
from .options import SaeJob, SaeOptions
from .progress import Progress
from .sae import SaeFigures, TrainedSae, measure
from .states import StateOptions, token_states
from .states_store import States
from .training import train_sae

__all__ = [
    "EMBEDDINGS",
    "Progress",
    "SaeFigures",
    "SaeJob",
    "SaeOptions",
    "SaeReport",
    "StateOptions",
    "States",
    "TrainedSae",
    "measure",
    "token_states",
    "train_dense_sae",
    "train_sae",
    "train_sae_model",
]
