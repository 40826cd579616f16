"""The backbone: a language model cut after layer l, with bidirectional attention.

Layer l of a model card or an SAE's hook means blocks 0..l; here `n_blocks` = l + 1 says how many
blocks are kept. Later blocks and the language-model head are never built.
"""

import inspect
from typing import Any

import torch
from sentence_transformers.base.modules.transformer import Transformer, TransformerTask
from torch import nn
from transformers import AutoConfig, PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_MAPPING

FINAL_NORMS = ("norm", "final_norm", "ln_f", "final_layer_norm")
"""Where model classes keep the norm after the last block, which an SAE must not see."""


class Backbone(Transformer):
    """A sentence-transformers module whose `token_embeddings` are the states after its last block.

    Attention is bidirectional also for decoders, and neither a final norm nor a sentence pooler
    is applied: SAEs are trained on the residual stream itself.
    """

    def _load_model(
        self,
        model_name_or_path: str,
        transformer_task: TransformerTask,
        config: PretrainedConfig,
        backend: str,
        is_peft_model: bool,  # noqa: FBT001  # the signature is sentence-transformers'
        **model_kwargs: Any,  # noqa: ANN401  # handed through unread
    ) -> PreTrainedModel:
        config.is_causal = False
        architecture: Any = MODEL_MAPPING[type(config)]
        if "add_pooling_layer" in inspect.signature(architecture).parameters:
            model_kwargs["add_pooling_layer"] = False
        model = super()._load_model(
            model_name_or_path, transformer_task, config, backend, is_peft_model, **model_kwargs
        )
        for name in FINAL_NORMS:
            if hasattr(model, name):
                setattr(model, name, nn.Identity())
        return model


def load_backbone(name: str, *, n_blocks: int, window: int) -> Backbone:
    """Return the first `n_blocks` blocks of the model folder or hub id `name`, in float32.

    `window` is the longest input in tokens, special tokens included.
    """
    depth: int = AutoConfig.from_pretrained(name).num_hidden_layers
    if not 1 <= n_blocks <= depth:
        raise ValueError(f"n_blocks={n_blocks}: {name} has blocks 1 to {depth}")
    backbone: Backbone = Backbone(
        name,
        max_seq_length=window,
        model_kwargs={"dtype": torch.float32},
        config_kwargs={"num_hidden_layers": n_blocks},
    )
    return backbone
