"""SAEs of sae-lens before the first step, with settings that also train on few tokens.

Decoder rows start at norm 1: from a small norm, the latents that grow first starve the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .options import SaeOptions

if TYPE_CHECKING:
    from sae_lens import TrainingSAE

BANDWIDTH = 0.5
"""Width of the kernel that thresholds get their gradient through; pre-activations start at 1."""


def untrained(centred: Tensor, options: SaeOptions) -> TrainingSAE:
    """Return an SAE for states such as the `centred` ones, its weights drawn by the seed."""
    made = {"batchtopk": _batch_top_k, "topk": _top_k, "jumprelu": _jump_relu}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        return made[options.activation](centred, options)


def _shared(centred: Tensor, options: SaeOptions) -> dict[str, Any]:
    return {
        "d_in": centred.shape[1],
        "d_sae": options.width,
        "apply_b_dec_to_input": False,
        "decoder_init_norm": 1.0,
    }


def _batch_top_k(centred: Tensor, options: SaeOptions) -> TrainingSAE:
    """Return a BatchTopK SAE whose threshold, a moving mean, starts where it is and not at 0."""
    from sae_lens import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig

    from .batch_topk import SparseBatchTopKSae

    config = BatchTopKTrainingSAEConfig(
        **_shared(centred, options), k=options.k, topk_threshold_lr=0.05
    )
    on_cpu = torch.device(options.device).type == "cpu"
    sae = SparseBatchTopKSae(config) if on_cpu else BatchTopKTrainingSAE(config)
    sae.topk_threshold.fill_(_first_threshold(sae, centred, options.k))
    return sae


def _top_k(centred: Tensor, options: SaeOptions) -> TrainingSAE:
    from sae_lens import TopKTrainingSAE, TopKTrainingSAEConfig

    return TopKTrainingSAE(TopKTrainingSAEConfig(**_shared(centred, options), k=options.k))


def _jump_relu(centred: Tensor, options: SaeOptions) -> TrainingSAE:
    """Return a JumpReLU SAE whose thresholds let `k` latents through from the start.

    Adam moves a threshold by about the learning rate a step: from sae-lens' start near 0, half of
    all latents are active, and a short training never comes down to `k`.
    Source of the quadratic loss around a target: Gemma Scope 2.
    """
    from sae_lens import JumpReLUTrainingSAE, JumpReLUTrainingSAEConfig

    config = JumpReLUTrainingSAEConfig(
        **_shared(centred, options),
        jumprelu_sparsity_loss_mode="quadratic",
        jumprelu_bandwidth=BANDWIDTH,
        jumprelu_ste_to_input=True,
        target_l0=float(options.k),
        l0_coefficient=options.l0_coefficient,
        pre_act_loss_coefficient=3e-6,
    )
    sae = JumpReLUTrainingSAE(config)
    start = _first_threshold(sae, centred, options.k)
    sae.threshold.data.fill_(start)
    sae.cfg.jumprelu_init_threshold = start
    return sae


@torch.no_grad()
def _first_threshold(sae: TrainingSAE, centred: Tensor, k: int) -> float:
    """Return the threshold ≥ 0 that lets `k` latents a token through, of weights just drawn."""
    scores = (centred[:1024] @ sae.W_enc).flatten()
    rank = min(len(scores), k * len(centred[:1024]))
    return max(float(scores.topk(rank).values.min()), 0.0)
