"""Sparse autoencoders over raw token states: what one does, and how well."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .states_store import States

WEAKEST = 0.3

MEDIAN_PEAK = 0.2
"""Of latents that are summed; docs/training.md tells how it was chosen."""


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


def level(sae: TrainedSae, states: States, *, peak: float = 2.0) -> TrainedSae:
    """Return `sae` with each latent scaled so that its largest activation on `states` is `peak`.

    Without it the latents of common causes, active at nearly every token and large, outweigh the
    specific ones. A peak below `WEAKEST` of the median one counts as that much.
    """
    peaks = _peaks(sae, states)
    return sae.scaled(peak / peaks.clamp(min=WEAKEST * _median(peaks)))


def normalise(sae: TrainedSae, states: States, *, peak: float = MEDIAN_PEAK) -> TrainedSae:
    """Return `sae` with all latents scaled alike, so that their median peak on `states` is `peak`.

    Impacts of sums then have the size that documents' saturation (`scoring.K1`) asks for, however
    large the states of a backbone are.
    """
    peaks = _peaks(sae, states)
    return sae.scaled(torch.full_like(peaks, peak / _median(peaks)))


def _peaks(sae: TrainedSae, states: States) -> Tensor:
    """Return the largest activation [latent] on `states`; `ValueError` if there is none at all."""
    peaks = torch.zeros_like(sae.threshold)
    for start in range(0, len(states), 2048):
        activations = sae.encode(states.read(slice(start, start + 2048)))
        peaks = torch.maximum(peaks, activations.amax(dim=0))
    if not peaks.any():
        raise ValueError(f"no latent is active on {len(states)} states: give those of training")
    return peaks


def _median(peaks: Tensor) -> float:
    """Return the median peak of the latents that have one."""
    return float(peaks[peaks > 0].median())
