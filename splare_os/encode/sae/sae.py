"""The encoder half of a frozen sparse autoencoder: token states to pre-activations to activations.

JumpReLU has a threshold per latent; ReLU is JumpReLU with every threshold 0, and a Gated SAE is
one too once its rows are scaled (`SaeEncoder.from_gated`). These are monotone in the
pre-activation, which is what lets max pooling come first (`pooling.py`). TopK is not.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class SaeEncoder(nn.Module):
    """z = u · 1[u > max(θ, 0)] with u = W·h + b; no gradients.

    `weight` is [latent, state], `bias` and `threshold` are [latent]. With `top_k`, only the
    largest `top_k` of a token's u can be active. `blocked` are parts of the weight as
    `segment_max.lay_out` leaves them, for a weight that does not change any more.
    Source: JumpReLU, arXiv 2407.14435; TopK, arXiv 2406.04093.
    """

    def __init__(self, d_in: int, n_latents: int, *, top_k: int | None = None) -> None:
        super().__init__()
        if top_k is not None and not 1 <= top_k <= n_latents:
            raise ValueError(f"top_k={top_k}: a token can have 1 to {n_latents} active latents")
        self.top_k = top_k
        self.weight = nn.Parameter(torch.zeros(n_latents, d_in), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(n_latents), requires_grad=False)
        self.threshold = nn.Parameter(torch.zeros(n_latents), requires_grad=False)
        self.blocked: list[tuple[slice, Tensor]] = []

    @classmethod
    def from_tensors(
        cls, weight: Tensor, bias: Tensor, threshold: Tensor, *, top_k: int | None = None
    ) -> "SaeEncoder":
        """Return an encoder that holds copies of these tensors; shapes must agree."""
        n_latents, d_in = weight.shape
        sae = cls(d_in, n_latents, top_k=top_k)
        for name, tensor in (("weight", weight), ("bias", bias), ("threshold", threshold)):
            parameter = getattr(sae, name)
            if parameter.shape != tensor.shape:
                raise ValueError(
                    f"{name} has shape {list(tensor.shape)}, expected {list(parameter.shape)} "
                    f"for a weight of [latent, state] = [{n_latents}, {d_in}]"
                )
            parameter.data.copy_(tensor)
        return sae

    @classmethod
    def sharing(cls, sae: "SaeEncoder", weight: Tensor) -> "SaeEncoder":
        """Return an encoder with this weight and the very bias and threshold of `sae`."""
        shared = cls.__new__(cls)
        nn.Module.__init__(shared)
        shared.top_k = sae.top_k
        shared.weight = nn.Parameter(weight, requires_grad=False)
        shared.bias, shared.threshold, shared.blocked = sae.bias, sae.threshold, []
        return shared

    @classmethod
    def from_gated(
        cls, weight: Tensor, gate_bias: Tensor, log_scale: Tensor, bias: Tensor
    ) -> "SaeEncoder":
        """Return the JumpReLU encoder equal to a Gated one, with a = W·h and s = exp(log_scale).

        Gated is relu(s·a + bias) · 1[a + gate_bias > 0]; the gate opens where u = s·a + bias
        exceeds θ = bias - s·gate_bias.
        Source: Gated SAE, arXiv 2404.16014.
        """
        scale = log_scale.exp()
        return cls.from_tensors(weight * scale[:, None], bias, bias - scale * gate_bias)

    def make_relu(self) -> None:
        """Make thresholds part of the bias: an activation is what exceeds its threshold.

        The same latents are active as before. `ValueError` for a TopK encoder: others would be.
        """
        if self.top_k is not None:
            raise ValueError(
                f"a TopK SAE (k={self.top_k}) can't become ReLU: keep its activation, or take a "
                "batchtopk or jumprelu one"
            )
        self.bias.data -= self.threshold.data.clamp_min(0)
        self.threshold.data.zero_()

    def convert(self, dtype: torch.dtype) -> None:
        """Hold the weight as `dtype`; bias and threshold, which cost nothing, stay in float32."""
        self.weight.data, self.blocked = self.weight.data.to(dtype), []
        for parameter in (self.bias, self.threshold):
            parameter.data = parameter.data.float()

    def pre_activations(self, states: Tensor) -> Tensor:
        """Return u [..., latent] for states [..., state]; bias and threshold stay in float32."""
        states = states.to(self.weight.dtype)
        if self.weight.dtype == self.bias.dtype:
            return functional.linear(states, self.weight, self.bias)
        return functional.linear(states, self.weight).float() + self.bias

    def activate(self, pre_activations: Tensor) -> Tensor:
        """Return activations ≥ 0 [..., latent]; the threshold itself does not pass."""
        if self.top_k is not None:
            values, latents = pre_activations.topk(self.top_k, dim=-1)
            pre_activations = torch.zeros_like(pre_activations).scatter_(-1, latents, values)
        passes = pre_activations > self.threshold.clamp_min(0)
        return torch.where(passes, pre_activations, 0)
