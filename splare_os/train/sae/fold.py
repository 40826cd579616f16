"""An SAE as sae-lens trains it, behind a centring of its input, to one over raw states."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...errors import TrainingError
from .sae import TrainedSae
from .states_store import States

if TYPE_CHECKING:
    from sae_lens import TrainingSAE

CENTRING_STATES = 200_000
CHUNK = 4096
"""States that are in memory at once; of 2,304 numbers, 75 MB as float64."""


@dataclass(frozen=True, slots=True)
class Centring:
    """The map `(x - mean) * scale`, which sae-lens' SAE is trained behind."""

    mean: Tensor
    scale: float

    def apply(self, states: Tensor) -> Tensor:
        """Return `states` [token, state] centred and scaled."""
        return (states - self.mean) * self.scale


def centre(states: States) -> Centring:
    """Return the map to mean 0 and a mean square norm of the number of dimensions.

    Sums are float64, over a chunk of states at a time.
    """
    sample = states.part(0, CENTRING_STATES)
    total = sum(chunk.sum(dim=0) for chunk in _chunks(sample))
    mean = torch.as_tensor(total) / len(sample)
    if not mean.isfinite().all():
        raise TrainingError(
            "the states hold NaN or infinity: compute the backbone in another precision"
        )
    squares = sum(float((chunk - mean).square().sum()) for chunk in _chunks(sample))
    if not squares:
        raise ValueError(f"{len(states)} states are all equal: give states of various tokens")
    return Centring(mean.float(), math.sqrt(mean.numel() * len(sample) / squares))


def _chunks(states: States) -> Iterator[Tensor]:
    """Yield all the states, in order, as float64."""
    for start in range(0, len(states), CHUNK):
        yield states.read(slice(start, start + CHUNK)).double()


@torch.no_grad()
def fold(sae: TrainingSAE, centring: Centring) -> TrainedSae:
    """Return `sae`, which reads what `centring` gives, as an encoder of `centring`'s input.

    Activations come out in units of the states, not of the centred ones; decoder rows have norm 1.
    """
    tensors = {name: tensor.clone().cpu() for name, tensor in sae.cpu().state_dict().items()}
    sae.process_state_dict_for_saving_inference(tensors)  # top-k to threshold
    if "threshold" not in tensors:
        tensors["threshold"] = torch.zeros_like(tensors["b_enc"])
    norms = tensors["W_dec"].norm(dim=1).clamp_min(1e-12)
    if not getattr(sae.cfg, "rescale_acts_by_decoder_norm", False):
        tensors["W_enc"] = tensors["W_enc"] * norms
        tensors["b_enc"] = tensors["b_enc"] * norms
        tensors["threshold"] = tensors["threshold"].clamp_min(0) * norms
        tensors["W_dec"] = tensors["W_dec"] / norms[:, None]
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
        top_k=int(sae.cfg.k) if sae.cfg.architecture() == "topk" else None,
    )
