"""Sparse autoencoders over raw token states: what one does, and how well."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .states_store import States


@dataclass(frozen=True, slots=True)
class SaeFigures:
    """What an SAE does on states; `mean_l0` counts latents a token, `dead` those never active.

    `explained_variance` is at most 1, and 0 for an SAE that always gives the mean.
    """

    explained_variance: float
    mean_l0: float
    dead: int


@dataclass(frozen=True, slots=True)
class TrainedSae:
    """An SAE over raw states: nothing is subtracted from its input, or scaled.

    Activations are `u = x @ w_enc + b_enc` where `u > threshold`, else 0 (JumpReLU); with `top_k`
    only the largest `top_k` of a token can be active. Shapes: `w_enc` [state, latent], `b_enc` and
    `threshold` [latent], `w_dec` [latent, state], `b_dec` [state]; float32, thresholds ≥ 0.
    """

    w_enc: Tensor
    b_enc: Tensor
    threshold: Tensor
    w_dec: Tensor
    b_dec: Tensor
    top_k: int | None = None

    def encode(self, states: Tensor) -> Tensor:
        """Return the activations [token, latent] of `states` [token, state]."""
        u = states.float() @ self.w_enc + self.b_enc
        if self.top_k is not None:
            values, latents = u.topk(self.top_k, dim=1)
            u = torch.zeros_like(u).scatter(1, latents, values)
        return torch.where(u > self.threshold, u, 0)

    def decode(self, activations: Tensor) -> Tensor:
        """Return the states [token, state] that `activations` stand for."""
        return activations @ self.w_dec + self.b_dec

    def scaled(self, gains: Tensor) -> TrainedSae:
        """Return this SAE with the activation of each latent multiplied by its gain (> 0)."""
        if self.top_k is not None and not (gains == gains[0]).all():
            raise ValueError(
                f"top_k={self.top_k}: other scales would make other latents the largest; "
                "leave a TopK SAE as it is, or train batchtopk"
            )
        return replace(
            self,
            w_enc=self.w_enc * gains,
            b_enc=self.b_enc * gains,
            threshold=self.threshold * gains,
            w_dec=self.w_dec / gains[:, None],
        )


def measure(sae: TrainedSae, states: States, *, batch_tokens: int = 2048) -> SaeFigures:
    """Return what `sae` does on `states`, best those of texts that it was not trained on."""
    n_states = len(states)
    fired = torch.zeros(len(sae.threshold), dtype=torch.bool)
    error = active = 0.0
    total = torch.zeros(len(sae.b_dec), dtype=torch.float64)
    squares = total.clone()
    for start in range(0, n_states, batch_tokens):
        batch = states.read(slice(start, start + batch_tokens))
        activations = sae.encode(batch)
        error += float((sae.decode(activations) - batch).double().square().sum())
        active += float((activations > 0).sum())
        fired |= (activations > 0).any(dim=0)
        total += batch.double().sum(dim=0)
        squares += batch.double().square().sum(dim=0)
    variance = float((squares - total.square() / n_states).sum())
    return SaeFigures(1 - error / variance, active / n_states, int((~fired).sum()))
