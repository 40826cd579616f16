"""SAEs in local files, in the formats that Gemma Scope, Llama Scope and sae-lens publish."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from ...errors import EncoderError
from ...extras import require
from ..backbone.hub_ids import hub_id
from .published import PublishedSae, count_blocks, from_sae_lens, reading
from .sae import SaeEncoder


def read_sae(path: Path, *, input_scale: float | None = None) -> PublishedSae:
    """Return the SAE in a folder that has one of the `FORMATS`' files, or in that file.

    `input_scale` is for sae-lens folders that normalise by `expected_average_only_in`.
    """
    folder = path.parent if path.is_file() else path
    known = [file for file in FORMATS if (folder / file).is_file()]
    if not known or path not in (folder, folder / known[0]):
        raise EncoderError(f"{path} is no SAE: a folder has one of {', '.join(FORMATS)}")
    if input_scale is None:
        with reading(f"SAE {path}"):
            return FORMATS[known[0]](folder)
    if known[0] != SAE_LENS or input_scale <= 0:
        raise ValueError(f"input_scale={input_scale}: a number > 0, for folders with {SAE_LENS}")
    with reading(f"SAE {path}"):
        return _read_sae_lens(folder, input_scale)


def _read_gemma_scope(folder: Path) -> PublishedSae:
    """Return the JumpReLU SAE of `params.npz`, which tells neither backbone nor layer."""
    path = folder / "params.npz"
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        tensors = {name.lower(): torch.from_numpy(file[name]).float() for name in file.files}
    sae = SaeEncoder.from_tensors(tensors["w_enc"].T, tensors["b_enc"], tensors["threshold"])
    return PublishedSae(sae, "", 0, _name(folder))


def _read_gemma_scope_2(folder: Path) -> PublishedSae:
    """Return the JumpReLU SAE of `params.safetensors`; `config.json` tells model and hook."""
    config = {"architecture": "jump_relu"}
    if (folder / "config.json").is_file():
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    hook, model_name = config.get("hf_hook_point_in", ""), config.get("model_name", "")
    if config["architecture"] != "jump_relu":
        raise EncoderError(f"architecture {config['architecture']}: only jump_relu can be used")
    if config.get("hf_hook_point_out", hook) not in (hook, None):
        raise EncoderError(f"a transcoder from {hook} to {config['hf_hook_point_out']}")
    backbone, n_blocks = hub_id(model_name.replace("-v3", "-3")), count_blocks(hook)
    tensors = load_file(folder / "params.safetensors")
    sae = SaeEncoder.from_tensors(tensors["w_enc"].T, tensors["b_enc"], tensors["threshold"])
    return PublishedSae(sae, backbone, n_blocks, _name(folder))


def _read_llama_scope(folder: Path) -> PublishedSae:
    """Return the JumpReLU SAE of a Llama Scope folder, which reads states of mean norm √d.

    The same scale multiplies the one threshold of all latents.
    Source: sae-lens' `get_llama_scope_config_from_hf`.
    """
    config = json.loads((folder / "hyperparams.json").read_text(encoding="utf-8"))
    if config.get("act_fn", "jumprelu") != "jumprelu":
        raise EncoderError(f"act_fn {config['act_fn']}: only jumprelu can be used")
    n_blocks = count_blocks(config["hook_point_in"])
    scale = config["d_model"] ** 0.5 / config["dataset_average_activation_norm"]["in"]
    tensors = load_file(folder / LLAMA_SCOPE)
    weight = tensors["encoder.weight"].float() * scale
    bias = tensors["encoder.bias"].float()
    threshold = torch.full_like(bias, config["jump_relu_threshold"] * scale)
    sae = SaeEncoder.from_tensors(weight, bias, threshold)
    name = _name(folder)
    backbone = "meta-llama/Llama-3.1-8B" if name.startswith("Llama3_1-8B-Base-") else ""
    return PublishedSae(sae, backbone, n_blocks, name)


def _read_sae_lens(folder: Path, input_scale: float | None = None) -> PublishedSae:
    require("train", f"an SAE in the format of sae-lens ({folder})")
    from sae_lens.loading.pretrained_sae_loaders import sae_lens_disk_loader

    config, state = sae_lens_disk_loader(folder, cfg_overrides={"dtype": "float32"})
    return from_sae_lens(config, state, name=_name(folder), input_scale=input_scale)


def _name(folder: Path) -> str:
    return folder.resolve().name


LLAMA_SCOPE = "checkpoints/final.safetensors"
SAE_LENS = "cfg.json"
FORMATS: dict[str, Callable[[Path], PublishedSae]] = {
    "params.npz": _read_gemma_scope,
    "params.safetensors": _read_gemma_scope_2,
    LLAMA_SCOPE: _read_llama_scope,
    SAE_LENS: _read_sae_lens,
}
"""The file that tells a format, and what reads the folder it lies in."""
