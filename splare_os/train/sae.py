"""Sparse autoencoders over token states, trained by sae-lens, folded to a JumpReLU encoder."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from .states import States

if TYPE_CHECKING:
    from sae_lens import BatchTopKTrainingSAE
    from sae_lens.config import SAETrainerConfig

CENTRING_STATES = 200_000
WEAKEST = 0.3


@dataclass(frozen=True, slots=True)
class SaeOptions:
    """How one SAE is trained.

    `n_tokens` counts states seen, so it may exceed the states there are: passes repeat, each in a
    new order. A latent silent for `dead_window` batches gets the auxiliary loss that revives it.
    """

    width: int = 8192
    k: int = 16
    n_tokens: int = 1_000_000
    batch_tokens: int = 1024
    lr: float = 1e-3
    decay_share: float = 0.25
    dead_window: int = 300
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
    """What an SAE does on states; shares are at most 1, `mean_l0` counts latents a token."""

    explained_variance: float
    mean_l0: float
    dead_share: float


@dataclass(frozen=True, slots=True)
class Centring:
    """The map `(x - mean) * scale`, which sae-lens' SAE is trained behind."""

    mean: Tensor
    scale: float


@dataclass(frozen=True, slots=True)
class TrainedSae:
    """An SAE over raw states: nothing is subtracted from its input, or scaled.

    Activations are `u = x @ w_enc + b_enc` where `u > threshold`, else 0 (JumpReLU). Shapes:
    `w_enc` [state, latent], `b_enc` and `threshold` [latent], `w_dec` [latent, state], `b_dec`
    [state]; all float32, thresholds ≥ 0.
    """

    w_enc: Tensor
    b_enc: Tensor
    threshold: Tensor
    w_dec: Tensor
    b_dec: Tensor

    def encode(self, states: Tensor) -> Tensor:
        """Return the activations [token, latent] of `states` [token, state]."""
        u = states.float() @ self.w_enc + self.b_enc
        return torch.where(u > self.threshold, u, 0)

    def decode(self, activations: Tensor) -> Tensor:
        """Return the states [token, state] that `activations` stand for."""
        return activations @ self.w_dec + self.b_dec

    def scaled(self, gains: Tensor) -> TrainedSae:
        """Return this SAE with the activation of each latent multiplied by its gain (> 0)."""
        return replace(
            self,
            w_enc=self.w_enc * gains,
            b_enc=self.b_enc * gains,
            threshold=self.threshold * gains,
            w_dec=self.w_dec / gains[:, None],
        )


def train_sae(states: States, options: SaeOptions) -> TrainedSae:
    """Return a BatchTopK SAE of `states`, as a JumpReLU encoder with decoder rows of norm 1.

    The same states, options and number of threads give the same weights.
    """
    from sae_lens.training.sae_trainer import SAETrainer

    if states.ndim != 2 or len(states) < options.batch_tokens:
        raise ValueError(
            f"states have shape {states.shape}: give [token, state] with at least "
            f"batch_tokens={options.batch_tokens} tokens"
        )
    centring = centre(states)
    torch.manual_seed(options.seed)
    sae = _untrained(states.shape[1], options)
    SAETrainer(_schedule(options), sae, _batches(states, centring, options)).fit()
    return fold(sae, centring)


def measure(sae: TrainedSae, states: States, *, batch_tokens: int = 2048) -> SaeFigures:
    """Return what `sae` does on `states`, best those it was not trained on."""
    fired = torch.zeros(len(sae.threshold), dtype=torch.bool)
    error = active = 0.0
    for start in range(0, len(states), batch_tokens):
        batch = _float(states[start : start + batch_tokens])
        activations = sae.encode(batch)
        error += float((sae.decode(activations) - batch).square().sum())
        active += float((activations > 0).sum())
        fired |= (activations > 0).any(dim=0)
    variance = float(_float(states).var(dim=0, correction=0).sum()) * len(states)
    return SaeFigures(1 - error / variance, active / len(states), 1 - float(fired.float().mean()))


def level(sae: TrainedSae, states: States, *, peak: float = 2.0) -> TrainedSae:
    """Return `sae` with each latent scaled so that its largest activation on `states` is `peak`.

    Without it the latents of common causes, active at nearly every token and large, outweigh the
    specific ones. A peak below `WEAKEST` of the median one counts as that much.
    """
    peaks = torch.zeros_like(sae.threshold)
    for start in range(0, len(states), 2048):
        activations = sae.encode(_float(states[start : start + 2048]))
        peaks = torch.maximum(peaks, activations.amax(dim=0))
    if not peaks.any():
        raise ValueError(f"no latent is active on {len(states)} states: give those of training")
    return sae.scaled(peak / peaks.clamp(min=WEAKEST * float(peaks[peaks > 0].median())))


def centre(states: States) -> Centring:
    """Return the map to mean 0 and a mean square norm of the number of dimensions."""
    sample = _float(states[:CENTRING_STATES])
    mean = sample.mean(dim=0)
    spread = float((sample - mean).square().sum(dim=1).mean())
    if not spread:
        raise ValueError(f"{len(states)} states are all equal: give states of various tokens")
    return Centring(mean, math.sqrt(states.shape[1] / spread))


@torch.no_grad()
def fold(sae: BatchTopKTrainingSAE, centring: Centring) -> TrainedSae:
    """Return `sae`, which reads what `centring` gives, as an encoder of `centring`'s input.

    Activations come out in units of the states, not of the centred ones.
    """
    tensors = {name: tensor.clone() for name, tensor in sae.state_dict().items()}
    sae.process_state_dict_for_saving_inference(tensors)  # decoder norms to 1, top-k to threshold
    w_enc, scale = tensors["W_enc"].float(), centring.scale
    subtracted = centring.mean * scale
    if sae.cfg.apply_b_dec_to_input:
        subtracted = subtracted + tensors["b_dec"]
    return TrainedSae(
        w_enc=w_enc.contiguous(),
        b_enc=(tensors["b_enc"] - subtracted @ w_enc) / scale,
        threshold=tensors["threshold"].float() / scale,
        w_dec=tensors["W_dec"].float().contiguous(),
        b_dec=tensors["b_dec"] / scale + centring.mean,
    )


def _untrained(d_in: int, options: SaeOptions) -> BatchTopKTrainingSAE:
    """Return an SAE with weights drawn from torch's generator.

    Decoder rows start at norm 1: from a small norm, the latents that grow first starve the rest.
    """
    from sae_lens import BatchTopKTrainingSAEConfig

    from .batch_topk import SparseBatchTopKSae

    config = BatchTopKTrainingSAEConfig(
        d_in=d_in,
        d_sae=options.width,
        k=options.k,
        apply_b_dec_to_input=False,
        decoder_init_norm=1.0,
        topk_threshold_lr=0.05,
    )
    return SparseBatchTopKSae(config)


def _schedule(options: SaeOptions) -> SAETrainerConfig:
    from sae_lens.config import SAETrainerConfig

    steps = max(1, options.n_tokens // options.batch_tokens)
    return SAETrainerConfig(
        total_training_samples=steps * options.batch_tokens,
        train_batch_size_samples=options.batch_tokens,
        lr=options.lr,
        lr_end=0.0,
        lr_warm_up_steps=min(20, steps // 10),
        lr_decay_steps=int(steps * options.decay_share),
        dead_feature_window=options.dead_window,
        feature_sampling_window=steps + 1,  # the histograms drawn at a window's end go unread
        autocast=options.autocast,
    )


def _batches(states: States, centring: Centring, options: SaeOptions) -> Iterator[Tensor]:
    """Yield centred batches for ever, each pass in a new order."""
    rng = np.random.default_rng(options.seed)
    while True:
        order = rng.permutation(len(states))
        for start in range(0, len(order) - options.batch_tokens + 1, options.batch_tokens):
            rows = np.sort(order[start : start + options.batch_tokens])  # kinder to a mapped file
            yield (_float(states[rows]) - centring.mean) * centring.scale


def _float(states: States) -> Tensor:
    return torch.from_numpy(states.astype(np.float32))
