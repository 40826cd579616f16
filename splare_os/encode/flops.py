"""Floating-point operations of an encoder's two stages: what the texts cost, on any machine."""

from collections.abc import Sequence

from torch import nn
from transformers import PreTrainedModel


def backbone_flops(model: PreTrainedModel, lengths: Sequence[int]) -> float:
    """Return the operations of a backbone's linear layers and attention over texts of `lengths`.

    A multiplication and its addition are two. Tokens that a sliding window hides are counted.
    """
    weights = sum(
        module.weight.numel() for module in model.modules() if isinstance(module, nn.Linear)
    )
    config = model.config
    head_width = getattr(config, "head_dim", None)
    head_width = head_width or config.hidden_size // config.num_attention_heads
    attention = 4 * config.num_hidden_layers * config.num_attention_heads * head_width
    return float(
        2 * weights * sum(lengths) + attention * sum(length * length for length in lengths)
    )


def sae_flops(n_tokens: int, d_in: int, n_latents: int) -> float:
    """Return the operations of an SAE's encoder over `n_tokens` tokens.

    >>> sae_flops(10, 4, 100)
    8000.0
    """
    return 2.0 * n_tokens * d_in * n_latents
