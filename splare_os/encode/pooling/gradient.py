"""Max pooling that can be trained through: gradients flow to the one token each maximum is from.

Of [token, latent] pre-activations only the maxima have a gradient: about a thousand a text. So
the backward pass touches these alone, and costs a fraction of the forward pass.
The plain definition is `pooling.max_pool` under autograd.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from ..packing import Segments
from ..sae.sae import SaeEncoder
from .segment_max import segment_max


def trainable_maxima(states: Tensor, segments: Segments, sae: SaeEncoder) -> Tensor:
    """Return the largest activations [segment, latent] of states [token, state], with gradients.

    For ReLU and JumpReLU encoders. The threshold gets none: it is where the activation jumps.
    One state that is not finite makes every maximum NaN: no threshold would let it pass, and a
    training would go on with texts that have no activation.
    """
    maxima: Tensor = _SegmentMaxima.apply(states, sae.weight, sae.bias, segments, sae)
    return maxima


class _SegmentMaxima(torch.autograd.Function):
    """`segment_max`, and its gradients by state, weight and bias."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:  # noqa: ANN401  # torch's signature
        states, weight, bias, segments, sae = inputs
        frozen = SaeEncoder.sharing(sae, weight.to(states.dtype))
        poison = (states * 0).sum()  # 0, or NaN
        maxima: Tensor = segment_max(states, segments, frozen).float() + poison
        ctx.save_for_backward(states, frozen.weight, maxima)
        ctx.segments, ctx.dtypes = segments, (weight.dtype, bias.dtype)
        return maxima

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        states, weight, maxima = ctx.saved_tensors
        grad = torch.where(maxima > 0, grads[0], 0)
        d_states = torch.zeros_like(states, dtype=torch.float32)
        wants_weight = ctx.needs_input_grad[1]
        d_weight = torch.zeros_like(weight, dtype=torch.float32) if wants_weight else None
        for (first, last), row in zip(pairwise(ctx.segments.offsets), grad, strict=True):
            latents = row.nonzero().squeeze(1)
            if not len(latents):
                continue
            directions, tokens = weight[latents], states[first:last]
            places = (tokens @ directions.T).argmax(dim=0)
            slopes = row[latents, None]
            d_states[first:last].index_add_(0, places, slopes * directions.float())
            if d_weight is not None:
                d_weight.index_add_(0, latents, slopes * tokens[places].float())
        weight_dtype, bias_dtype = ctx.dtypes
        return (
            d_states.to(states.dtype),
            None if d_weight is None else d_weight.to(weight_dtype),
            grad.sum(dim=0).to(bias_dtype) if ctx.needs_input_grad[2] else None,
            None,
            None,
        )
