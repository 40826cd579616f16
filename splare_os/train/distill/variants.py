"""What of an encoder is trained: LoRA on the backbone, and with some variants what follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from torch import nn
from transformers import PreTrainedModel

from ...encode.encoder import SplareEncoder
from .options import DistillOptions

if TYPE_CHECKING:
    from peft import PeftModel


def prepare(encoder: SplareEncoder, options: DistillOptions) -> None:
    """Freeze `encoder` but for what its variant trains, and put LoRA on its backbone.

    Dropout is switched off: the teacher's scores are targets enough for so few weights.
    """
    require_fit(encoder, options)
    for parameter in encoder.model.parameters():
        parameter.requires_grad = False
    _add_lora(encoder, options.rank)
    for module in encoder.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    sae = encoder.pooling.sae
    if options.relu:
        sae.make_relu()
    if options.variant == "sae-splade":
        sae.weight.requires_grad_()
        sae.bias.requires_grad_()
    elif options.variant == "splade":
        encoder.pooling.head.requires_grad_()
        sae.bias.requires_grad_()


def require_fit(encoder: SplareEncoder, options: DistillOptions) -> None:
    """Refuse a variant that `encoder` cannot be trained as."""
    variant = options.variant
    is_vocabulary = encoder.pooling.transform is not None
    if is_vocabulary != (variant == "splade"):
        has, take = (
            ("a vocabulary head", "splade") if is_vocabulary else ("an SAE", "splare or sae-splade")
        )
        raise ValueError(f"variant={variant!r}: the model has {has}, so choose {take}")
    width, expected = encoder.backbone.get_embedding_dimension(), encoder.pooling.d_in
    if width != expected:
        raise ValueError(
            f"the SAE reads states of {expected} numbers, the backbone has {width}: "
            "take the SAE that was trained on this backbone and layer"
        )
    if options.interpolation < 1 and variant != "splare":
        raise ValueError(
            f"interpolation={options.interpolation}: variant={variant!r} trains more than LoRA, "
            "leave it at 1"
        )
    if options.relu and encoder.pooling.top_k is not None:
        raise ValueError(
            f"relu=True: a TopK SAE (k={encoder.pooling.top_k}) can't become ReLU; "
            "distill it as it is (relu=False), or train a batchtopk or jumprelu one"
        )


def interpolate(encoder: SplareEncoder, weight: float) -> None:
    """Have what LoRA learnt count with a weight: the model is between those of before and after.

    Source: WiSE-FT, arXiv 2109.01903.
    """
    from peft.tuners.lora import LoraLayer

    for module in encoder.backbone.model.modules():
        if isinstance(module, LoraLayer):
            module.scale_layer(weight)


def merge(encoder: SplareEncoder) -> None:
    """Add what LoRA learnt to the weights, in their present precision."""
    encoder.backbone.model = cast("PeftModel", encoder.backbone.model).merge_and_unload()


def _add_lora(encoder: SplareEncoder, rank: int) -> None:
    from peft import LoraConfig, get_peft_model

    lora = LoraConfig(r=rank, lora_alpha=rank, lora_dropout=0.0, target_modules="all-linear")
    wrapped = get_peft_model(encoder.backbone.model, lora)
    encoder.backbone.model = cast(PreTrainedModel, wrapped)
