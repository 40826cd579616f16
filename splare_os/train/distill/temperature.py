"""What student scores are divided by, if nobody says: what fits the teacher best at the start.

Scores of models differ in size more than tenfold. Where the first ones are far too sharp or too
flat, a training begins by mending that, and its cheapest way are latents that every text shares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from scipy.optimize import minimize_scalar

from ...encode.encoder import SplareEncoder
from .held_out import encoded
from .losses import Compared, DistillationLoss, Places
from .options import DistillOptions

LEAST, MOST = 1e-3, 1e3


def fitted(
    encoder: SplareEncoder, goal: DistillationLoss, batches: Places, options: DistillOptions
) -> float:
    """Return the temperature at which the terms of `batches` [batch, row] are least."""
    found = [goal.compared(*one) for one in encoded(encoder, goal, batches, options)]
    return least(found, contrast=goal.contrast)


def least(batches: Sequence[Compared], *, contrast: float) -> float:
    """Return the temperature at which divergence and `contrast` · InfoNCE are least.

    >>> scores, taught = torch.tensor([[6.0, 0.0]]), torch.tensor([[2.0, 0.0]])
    >>> known = torch.tensor([[True, False]])
    >>> round(least([Compared(scores, taught, known)], contrast=0.0), 2)
    3.0
    """

    def loss(logarithm: float) -> float:
        terms = [batch.terms(math.exp(logarithm), contrast) for batch in batches]
        return sum(float(value) for batch in terms for value in batch.values())

    with torch.no_grad():
        found = minimize_scalar(loss, bounds=(math.log(LEAST), math.log(MOST)), method="bounded")
    return math.exp(found.x)
