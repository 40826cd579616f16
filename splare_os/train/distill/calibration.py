"""Calibrated scores that gradients go through, by a model's prior."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...scoring import ALPHA, K1, B, Saturation
from ...statistics import Statistics


@dataclass(frozen=True, slots=True)
class Calibration:
    """What impacts of queries are multiplied by, [latent], and what those of documents go through.

    Both stay what they were before the training: a prior of its own is taken at its end.
    """

    weights: Tensor
    saturation: Saturation

    @classmethod
    def of(cls, prior: Statistics) -> Calibration:
        """Return the calibration of a collection that is as the prior says."""
        weights = torch.from_numpy(prior.idf() ** ALPHA).float()
        return cls(weights, Saturation(K1, B, prior.mean_length))

    def of_queries(self, impacts: Tensor) -> Tensor:
        """Return impacts [text, latent] times idf^α, as `scoring.weighed` does."""
        return impacts * self.weights.to(impacts.device)

    def of_documents(self, impacts: Tensor) -> Tensor:
        """Return impacts [text, latent], cut to their top-k before, as `Saturation.of` does.

        >>> calibration = Calibration(torch.ones(2), Saturation(k1=2.0, b=0.5, mean_length=2.0))
        >>> calibration.of_documents(torch.tensor([[1.0, 3.0]])).tolist()
        [[0.75, 1.5]]
        """
        k1, b = self.saturation.k1, self.saturation.b
        lengths = impacts.sum(dim=1, keepdim=True) / self.saturation.mean_length
        return impacts * (k1 + 1) / (impacts + k1 * (1 - b + b * lengths))
