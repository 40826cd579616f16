"""The vocabulary head of a masked-language model, as the encoder that max pooling follows: SPLADE.

A head is a transform of the states and one row a word, tied to the input embeddings. With ReLU
its logits are activations, and the words are the latents.
Source: SPLADE, arXiv 2109.10086.
"""

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForMaskedLM
from transformers.activations import ACT2FN

from ...errors import EncoderError
from ..unreadable import UNREADABLE
from .sae import SaeEncoder


class Transform(nn.Module):
    """Dense, activation, layer norm: states [..., state] to the states that words are read from."""

    def __init__(self, width: int, activation: str, eps: float) -> None:
        super().__init__()
        self.settings = {"width": width, "activation": activation, "eps": eps}
        self.dense = nn.Linear(width, width)
        self.activation = ACT2FN[activation]
        self.norm = nn.LayerNorm(width, eps=eps)

    def forward(self, states: Tensor) -> Tensor:
        """Return states of the same shape, in the precision of the weights."""
        states = states.to(self.dense.weight.dtype)
        transformed: Tensor = self.norm(self.activation(self.dense(states)))
        return transformed


def read_vocabulary_head(name: str) -> tuple[Transform, SaeEncoder]:
    """Return the head of the masked-language model in the folder or hub repository `name`.

    `EncoderError` where there is none (a head with random weights searches at random), or where
    the model is no BERT: heads of others follow a norm that backbones leave out.
    """
    try:
        found = AutoConfig.from_pretrained(name).model_type
    except UNREADABLE as error:
        raise EncoderError(f"{name} is no model with a vocabulary head: {error}") from error
    if found != "bert":
        raise EncoderError(f"{name} is a {found!r} model: vocabulary heads are read of 'bert' only")
    model, loaded = AutoModelForMaskedLM.from_pretrained(name, output_loading_info=True)
    if missing := sorted(key for key in loaded["missing_keys"] if "position_ids" not in key):
        raise EncoderError(
            f"{name} has no trained vocabulary head ({missing[0]} is missing): "
            "make one with `splare-os train adapt`"
        )
    predictions = model.cls.predictions
    dense, norm = predictions.transform.dense, predictions.transform.LayerNorm
    transform = Transform(dense.in_features, model.config.hidden_act, norm.eps)
    transform.dense.load_state_dict(dense.state_dict())
    transform.norm.load_state_dict(norm.state_dict())
    words, bias = predictions.decoder.weight.detach(), predictions.decoder.bias.detach()
    return transform, SaeEncoder.from_tensors(words, bias, torch.zeros_like(bias))
