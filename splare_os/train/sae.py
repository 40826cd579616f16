"""Sparse autoencoders over token states, trained by sae-lens, folded to a plain JumpReLU encoder."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sae_lens import BatchTopKTrainingSAE

States = NDArray[np.float16] | NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SaeOptions:
    """How one SAE is trained.

    `n_tokens` counts states seen, so it may exceed the states there are (passes repeat, each in
    a new order). A latent is revived by the auxiliary loss after `dead_window` batches in silence.
    """

    width: int = 8192
    k: int = 32
    n_tokens: int = 1_000_000
    batch_tokens: int = 2048
    lr: float = 1e-3
    decay_share: float = 0.25
    dead_window: int = 100
    autocast: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values that no training run can use."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in ("autocast", "seed", "decay_share") and value <= 0:
                raise ValueError(f"{field.name}={value!r}: give a number above 0")
        if not 0 <= self.decay_share <= 1:
            raise ValueError(f"decay_share={self.decay_share!r}: give a share from 0 to 1")
        if self.k > self.width:
            raise ValueError(f"k={self.k}: keep at most width={self.width} latents a token")


@dataclass(frozen=True, slots=True)
class SaeFigures:
    """What an SAE does on states: shares are in [0, 1], `mean_l0` counts latents a token."""

    explained_variance: float
    mean_l0: float
    dead_share: float


@dataclass(frozen=True, slots=True)
class TrainedSae:
    """An SAE over raw states: nothing is subtracted from or scaled in its input.

    Encode: `z = x @ w_enc + b_enc`, kept where `z > threshold` (JumpReLU). Decode:
    `z @ w_dec + b_dec`. Shapes: `w_enc` [state, latent], `b_enc` and `threshold` [latent],
    `w_dec` [latent, state] with rows of norm 1, `b_dec` [state]; all float32.
    """

    w_enc: torch.Tensor
    b_enc: torch.Tensor
    threshold: torch.Tensor
    w_dec: torch.Tensor
    b_dec: torch.Tensor

    def encode(self, states: torch.Tensor) -> torch.Tensor:
        """Return the activations of `states`, [token, latent]."""
        pre = states.float() @ self.w_enc + self.b_enc
        return torch.relu(pre) * (pre > self.threshold)

    def decode(self, activations: torch.Tensor) -> torch.Tensor:
        """Return the states that `activations` stand for, [token, state]."""
        return activations @ self.w_dec + self.b_dec


@dataclass(frozen=True, slots=True)
class _Centring:
    """The affine map that sae-lens trains under: `(x - mean) * scale`."""

    mean: torch.Tensor
    scale: float


def train_sae(states: States, options: SaeOptions) -> TrainedSae:
    """Return a BatchTopK SAE of `states` ([token, state]), as a JumpReLU encoder.

    The same states, options and thread count give the same weights.
    """
    _check(states, options)
    centring = _centring(states)
    torch.manual_seed(options.seed)
    sae = _untrained(states.shape[1], options)
    trainer = _trainer(sae, _batches(states, centring, options), options)
    trainer.fit()
    return fold(sae, centring.mean, centring.scale)
