"""The encoder half of a frozen sparse autoencoder: token states to pre-activations to activations.

JumpReLU has a threshold per latent; ReLU is JumpReLU with every threshold 0. Both are monotone in
the pre-activation, which is what lets max pooling come first (`pooling.py`).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class SaeEncoder(nn.Module):
    """z = u · 1[u > max(θ, 0)] with u = W·h + b; no gradients.

    `weight` is [latent, state], `bias` and `threshold` are [latent].
    Source: JumpReLU, arXiv 2407.14435.
    """

    def __init__(self, d_in: int, n_latents: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_latents, d_in), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(n_latents), requires_grad=False)
        self.threshold = nn.Parameter(torch.zeros(n_latents), requires_grad=False)

    @classmethod
    def from_tensors(cls, weight: Tensor, bias: Tensor, threshold: Tensor) -> "SaeEncoder":
        """Return an encoder that holds copies of these tensors; shapes must agree."""
        n_latents, d_in = weight.shape
        sae = cls(d_in, n_latents)
        for name, tensor in (("weight", weight), ("bias", bias), ("threshold", threshold)):
            parameter = getattr(sae, name)
            if parameter.shape != tensor.shape:
                raise ValueError(
                    f"{name} has shape {list(tensor.shape)}, expected {list(parameter.shape)} "
                    f"for a weight of [latent, state] = [{n_latents}, {d_in}]"
                )
            parameter.data.copy_(tensor)
        return sae

    def pre_activations(self, states: Tensor) -> Tensor:
        """Return u [..., latent] for states [..., state]."""
        return functional.linear(states, self.weight, self.bias)

    def activate(self, pre_activations: Tensor) -> Tensor:
        """Return activations ≥ 0 [..., latent]; the threshold itself does not pass."""
        passes = pre_activations > self.threshold.clamp_min(0)
        return torch.where(passes, pre_activations, 0)
