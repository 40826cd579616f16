"""Pairs and teachers to an encoder that searches.

pairs → teaching (· teachers) → schedule (· batches) → losses → trainer → training → job (the whole
way to a model folder); variants and words: what else than an SAE can be trained.
"""

from .held_out import HeldOut
from .job import DistillJob, DistillReport, distill_model
from .options import DistillOptions
from .pairs import Pairs, TrainingSet, read_pairs
from .training import DistillFigures, distill

__all__ = [
    "DistillFigures",
    "DistillJob",
    "DistillOptions",
    "DistillReport",
    "HeldOut",
    "Pairs",
    "TrainingSet",
    "distill",
    "distill_model",
    "read_pairs",
]
