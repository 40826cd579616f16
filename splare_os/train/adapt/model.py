"""Language models with their heads: loading, LoRA, and the loss at masked places alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from ...encode.backbone.attention import SPLARE, packed
from ...encode.backbone.backbone import FINAL_NORMS, told_of
from ...errors import EncoderError
from ..work_folder import beside
from .batches import Batch

if TYPE_CHECKING:
    from peft import PeftModel

HEAD_STARTS = {"bert": ["transform"], "modernbert": ["head"]}
"""The first layer of an encoder's head, between the states and the vocabulary."""

ENCODERS = tuple(HEAD_STARTS)
"""Model types that learn to fill masks; the others predict a masked token one place before it."""


def is_encoder(model: PreTrainedModel) -> bool:
    """Return whether the head reads the state of the masked token itself."""
    return model.config.model_type in ENCODERS


def load_language_model(name: str, *, seed: int) -> PreTrainedModel:
    """Return the model folder or hub id `name` with its vocabulary head, in float32.

    An encoder without a head gets a fresh one, drawn from `seed`. A decoder's attention is made
    bidirectional. Dropout is off: the texts are seen too few times to be learnt by heart.
    """
    with told_of(name):
        config = AutoConfig.from_pretrained(name)
    if config.model_type not in FINAL_NORMS:
        raise EncoderError(
            f"{name} is a {config.model_type!r} model: choose one of {', '.join(FINAL_NORMS)}"
        )
    config.is_causal = False
    kind = AutoModelForMaskedLM if config.model_type in ENCODERS else AutoModelForCausalLM
    torch.manual_seed(seed)
    with told_of(name):
        result: Any = kind.from_pretrained(
            name,
            config=config,
            dtype=torch.float32,
            attn_implementation=SPLARE,
            output_loading_info=True,
        )
    model: PreTrainedModel = result[0]
    _require_all(name, model, result[1]["missing_keys"])
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model


def load_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a model folder or hub id."""
    with told_of(name):
        return cast(PreTrainedTokenizerBase, AutoTokenizer.from_pretrained(name))


def _require_all(name: str, model: PreTrainedModel, missing: Iterable[str]) -> None:
    """Refuse a model that lacks weights; those of an encoder's head may be fresh."""
    body = model.base_model_prefix if is_encoder(model) else ""
    if names := sorted(key for key in missing if key.startswith(body)):
        raise EncoderError(
            f"model {name} lacks {len(names)} weights, {names[0]} first: take a folder with all of "
            "them, a decoder's language-model head included"
        )


def with_lora(model: PreTrainedModel, rank: int) -> PeftModel:
    """Return `model` with LoRA beside the linear layers under its head.

    An encoder's head may be fresh, so the layer that the head begins with is trained whole.
    """
    from peft import LoraConfig, get_peft_model  # seconds

    prefix = f"{model.base_model_prefix}."
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules=[name for name in linear if name.startswith(prefix)],
        modules_to_save=HEAD_STARTS.get(model.config.model_type),
    )
    return cast("PeftModel", get_peft_model(model, config))


def merged(trained: PreTrainedModel | PeftModel) -> PreTrainedModel:
    """Return the model with its LoRA, if it has one, added to the weights."""
    if isinstance(trained, PreTrainedModel):
        return trained
    return cast(PreTrainedModel, trained.merge_and_unload())


def masked_loss(model: PreTrainedModel, batch: Batch) -> Tensor:
    """Return the mean cross-entropy of the targets, in nats.

    The head, whose vocabulary is most of the work, sees the masked places only.
    """
    cache = {"use_cache": False} if hasattr(model.config, "use_cache") else {}
    with packed(batch["segments"]):
        states: Tensor = model.base_model(
            input_ids=batch["input_ids"], position_ids=batch["position_ids"], **cache
        )[0][0]
    places = batch["places"] if is_encoder(model) else batch["places"] - 1
    return functional.cross_entropy(_logits(model, states[places]).float(), batch["targets"])


def _logits(model: Any, states: Tensor) -> Tensor:  # noqa: ANN401  # each type has its own head
    match model.config.model_type:
        case "bert":
            logits = model.cls(states)
        case "modernbert":
            logits = model.decoder(model.head(states))
        case _:
            logits = model.lm_head(states)
            cap = getattr(model.config, "final_logit_softcapping", None)
            if cap is not None:
                logits = cap * torch.tanh(logits / cap)
    return cast(Tensor, logits)


def save_language_model(model: PreTrainedModel, name: str, out: Path) -> None:
    """Write `model`, and the tokenizer of `name` as it was before any call, to `out` once whole."""
    part = beside(out, ".part")
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(part)
    load_tokenizer(name).save_pretrained(part)
    part.rename(out)


def first_bad_weight(model: nn.Module) -> str | None:
    """Return the name of the first weight that holds a NaN or an infinity."""
    for name, weight in model.named_parameters():
        if not torch.isfinite(weight).all():
            return name
    return None
