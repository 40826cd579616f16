"""A published SAE, whatever its file format: encoder half, backbone and number of blocks.

Everything that is the same for all tokens (scale of the states, decoder bias taken off them,
decoder norms) is folded into weight and bias; what differs by token is refused.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile

import torch
from safetensors import SafetensorError
from torch import Tensor

from ...errors import EncoderError
from ..backbone.hub_ids import hub_id
from .sae import SaeEncoder

ARCHITECTURES = ("standard", "jumprelu", "topk", "gated")
"""sae-lens' names; it saves a trained BatchTopK SAE as `jumprelu`."""
PER_TOKEN = ("layer_norm", "constant_norm_rescale")
"""sae-lens' normalisations by statistics of the single token."""
RESIDUAL_HOOKS = (
    (r"blocks\.(\d+)\.hook_resid_post", 1),
    (r"model\.layers\.(\d+)(?:\.output)?", 1),
    (r"blocks\.(\d+)\.hook_resid_pre", 0),
)
"""Hook of block L, and how many blocks more than L come before it."""
FAULTS = (
    *(OSError, EOFError, UnpicklingError, BadZipFile, SafetensorError),
    *(LookupError, AttributeError, TypeError, ValueError, RuntimeError),
)
"""What a missing or damaged file makes the readers raise."""


@dataclass(frozen=True)
class PublishedSae:
    """An SAE over the states after the first `n_blocks` blocks of the hub model `backbone`.

    Files that don't tell have the backbone "" or 0 blocks.
    """

    sae: SaeEncoder
    backbone: str
    n_blocks: int
    name: str


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn what fails inside into an `EncoderError` that names `what`."""
    try:
        yield
    except EncoderError as error:
        raise EncoderError(f"{what}: {error}") from error
    except FAULTS as error:
        reason = f"{type(error).__name__}: {error}"
        raise EncoderError(
            f"{what} cannot be read ({reason}): check that the files are complete, and that the "
            "hub can be reached and has granted you the model"
        ) from error


def count_blocks(hook: str) -> int:
    """Return how many blocks come before the residual stream named `hook`; 0 for "".

    >>> count_blocks("blocks.12.hook_resid_post"), count_blocks("blocks.12.hook_resid_pre")
    (13, 12)
    """
    if not hook:
        return 0
    for pattern, more in RESIDUAL_HOOKS:
        if match := re.fullmatch(pattern, hook):
            n_blocks = int(match[1]) + more
            if n_blocks == 0:
                raise EncoderError(f"reads {hook}, before any block: use an SAE of a later state")
            return n_blocks
    kind = re.sub(r"^(blocks|model\.layers)\.\d+\.", "", hook)
    raise EncoderError(f"reads {kind}: only hook_resid_post and hook_resid_pre can be used")


def from_sae_lens(
    config: Mapping[str, Any],
    state: Mapping[str, Tensor],
    *,
    name: str,
    input_scale: float | None = None,
) -> PublishedSae:
    """Return the SAE of a configuration and tensors as sae-lens' loaders give them.

    `input_scale` multiplies the states if the configuration asks for `expected_average_only_in`.
    """
    from sae_lens.loading.pretrained_sae_loaders import handle_config_defaulting
    from sae_lens.registry import get_sae_class

    _check_kind(config)
    settings = handle_config_defaulting(dict(config))
    scale = _find_scale(settings.get("normalize_activations") or "none", input_scale)
    typed = get_sae_class(settings["architecture"])[1].from_dict(settings)
    if typed.reshape_activations != "none":
        raise EncoderError(f"reshapes its input by {typed.reshape_activations}: only none")
    metadata = typed.metadata
    return PublishedSae(
        sae=_fold(typed, state, scale),
        backbone=hub_id(metadata.model_name or ""),
        n_blocks=count_blocks(metadata.hook_name or ""),
        name=name,
    )


def _check_kind(config: Mapping[str, Any]) -> None:
    """Refuse other architectures, and the activation functions that sae-lens drops in silence."""
    architecture = config.get("architecture", "standard")
    if architecture not in ARCHITECTURES:
        choices = ", ".join(ARCHITECTURES)
        raise EncoderError(f"architecture {architecture}: only {choices} can be used")
    activation = config.get("activation_fn") or config.get("activation_fn_str") or "relu"
    options = config.get("activation_fn_kwargs") or {}
    if activation not in ("relu", "topk") or options.get("signed"):
        kind = f"signed {activation}" if options.get("signed") else activation
        raise EncoderError(f"activation function {kind}: only relu and unsigned topk can be used")
    has_k = "k" in options or ("k" in config and architecture == "topk")
    if "topk" in (activation, architecture) and not has_k:
        raise EncoderError("a topk SAE, but no k in its configuration")


def _find_scale(normalisation: str, input_scale: float | None) -> float:
    if normalisation == "none":
        return 1.0
    if normalisation in PER_TOKEN:
        raise EncoderError(f"input normalisation {normalisation} is per token: cannot be folded")
    if normalisation != "expected_average_only_in":
        raise EncoderError(f"input normalisation {normalisation}: its tensors are not in the files")
    if input_scale is None:
        raise EncoderError(
            f"input normalisation {normalisation}, and the scale is not in the files: give "
            "input_scale, √(numbers in a state) / mean norm of the states"
        )
    return input_scale


def _fold(config: Any, state: Mapping[str, Tensor], scale: float) -> SaeEncoder:  # noqa: ANN401
    """Return the encoder of states x for an SAE that reads scale·x, less its decoder bias."""
    weight = state["W_enc"].float().T
    shift = torch.zeros(len(weight))
    if config.apply_b_dec_to_input:
        shift = weight @ state["b_dec"].float()
    weight = weight * scale
    if config.architecture() == "gated":
        log_scale = state["r_mag"].float()
        gate_bias = state["b_gate"].float() - shift
        bias = state["b_mag"].float() - shift * log_scale.exp()
        return SaeEncoder.from_gated(weight, gate_bias, log_scale, bias)
    bias = state["b_enc"].float() - shift
    if config.architecture() == "topk":
        if config.rescale_acts_by_decoder_norm:  # sae-lens divides the decoder by the scale too
            norms = state["W_dec"].float().norm(dim=-1) / scale
            weight, bias = weight * norms[:, None], bias * norms
        return SaeEncoder.from_tensors(weight, bias, torch.zeros(len(bias)), top_k=config.k)
    threshold = state["threshold"].float() if config.architecture() == "jumprelu" else bias * 0
    return SaeEncoder.from_tensors(weight, bias, threshold)
