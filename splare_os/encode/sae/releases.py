"""SAEs by their names in sae-lens' registry of published releases.

The registry alone tells the hook of some SAEs; of others their ids and paths tell it, and the
configuration that comes with the weights is checked when it is fetched. No release is unpickled
but by torch's own `weights_only` reader.
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError

from ...errors import EncoderError
from ...extras import require
from ..backbone.hub_ids import hub_id
from .files import read_sae
from .published import PublishedSae, count_blocks, from_sae_lens, reading

OTHER_KINDS = {
    "gemma_2_transcoder": "a transcoder, which reads the input of a feed-forward layer",
    "mwhanna_transcoder": "a transcoder, which reads the input of a feed-forward layer",
    "mntss_clt_layer_transcoder": "a cross-layer transcoder, which reads one of a feed-forward "
    "layer's inputs",
    "temporal": "a temporal SAE, whose activations depend on the tokens before",
    "connor_rob_hook_z": "an SAE of attention heads",
}
"""sae-lens' loaders of what is no SAE over the residual stream."""
SETTLED = ("gemma_2", "gemma_3", "qwen_scope", "goodfire", "deepseek_r1")
"""sae-lens' loaders that take model, hook and architecture from the registry alone."""
TRUE_BACKBONES = {"llama_scope_r1_distill": "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"}
"""Where sae-lens' loader names another model than the registry and its Neuronpedia ids."""
HOOKS_BY_PATH: dict[str, tuple[tuple[str, str], ...]] = {
    "gemma_3": (
        (r"^resid_post.*layer_(\d+)", "blocks.{}.hook_resid_post"),
        (r"^attn_out.*layer_(\d+)", "blocks.{}.attn.hook_z"),
        (r"^mlp_out.*layer_(\d+)", "blocks.{}.hook_mlp_out"),
        (r"^(?:transcoder|clt).*layer_(\d+)", "blocks.{}.hook_mlp_in"),
    ),
    "llama_scope": (
        (r"-L(\d+)R-", "blocks.{}.hook_resid_post"),
        (r"-L(\d+)A-", "blocks.{}.hook_attn_out"),
        (r"-L(\d+)M-", "blocks.{}.hook_mlp_out"),
    ),
    "llama_scope_r1_distill": ((r"/L(\d+)R$", "blocks.{}.hook_resid_post"),),
    "dictionary_learning_1": ((r"resid_post_layer_(\d+)", "blocks.{}.hook_resid_post"),),
}
"""Patterns of paths, and the hook that each means, by sae-lens' loader."""


@dataclass(frozen=True)
class Place:
    """What the registry tells of one SAE: `hook` is "" where only its configuration does."""

    backbone: str
    hook: str
    is_settled: bool


def read_release(release: str, sae_id: str) -> PublishedSae:
    """Return an SAE of a release, fetched to the hub's cache unless it is there."""
    _check_names(release, sae_id)
    if os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "0").lower() in ("1", "y", "yes", "true"):
        raise EncoderError(
            "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD is set, so published SAEs could run code while they "
            "are read: unset it"
        )
    with reading(f"SAE {sae_id} of release {release}"):
        place = locate(release, sae_id)
        fetch = _fetch_gemma_3 if _loader_name(release) == "gemma_3" else _fetch_by_sae_lens
        published = fetch(release, sae_id)
        backbone = TRUE_BACKBONES.get(release) or published.backbone or place.backbone
        n_blocks = published.n_blocks or count_blocks(place.hook)
        if not n_blocks:
            raise EncoderError("neither registry nor metadata tell its hook")
    return replace(published, backbone=backbone, n_blocks=n_blocks, name=f"{release}/{sae_id}")


def locate(release: str, sae_id: str) -> Place:
    """Return where an SAE reads, from the registry alone; `EncoderError` if we can't use it."""
    entry, loader = registry()[release], _loader_name(release)
    backbone = TRUE_BACKBONES.get(release) or hub_id(entry.model)
    if not backbone:
        raise EncoderError(f"backbone {entry.model} is not known")
    if loader in OTHER_KINDS:
        raise EncoderError(f"is {OTHER_KINDS[loader]}")
    if loader in SETTLED and loader != "gemma_3":
        config = _config_getter(loader)(entry.repo_id, entry.saes_map[sae_id], "cpu")
        backbone, hook = hub_id(config["model_name"]), config["hook_name"]
    else:
        hook = _hook_of(loader, sae_id, entry.saes_map[sae_id])
    count_blocks(hook)
    return Place(backbone, hook, is_settled=loader in SETTLED and bool(hook))


def _hook_of(loader: str, sae_id: str, path: str) -> str:
    """Return the hook that an SAE's id or path names, or ""."""
    for pattern, hook in HOOKS_BY_PATH.get(loader, ()):
        if match := re.search(pattern, path):
            return hook.format(match[1])
    named = re.match(r"blocks\.\d+\.(?:attn\.)?hook_[a-z]+(?:_[a-z]+)*", sae_id)
    return named[0] if named else ""


def _fetch_by_sae_lens(release: str, sae_id: str) -> PublishedSae:
    from sae_lens.loading.pretrained_sae_loaders import NAMED_PRETRAINED_SAE_LOADERS
    from sae_lens.loading.pretrained_saes_directory import (
        get_config_overrides,
        get_norm_scaling_factor,
    )

    entry = registry()[release]
    config, state, _ = NAMED_PRETRAINED_SAE_LOADERS[_loader_name(release)](
        repo_id=entry.repo_id,
        folder_name=entry.saes_map[sae_id],
        device="cpu",
        force_download=False,
        cfg_overrides=get_config_overrides(release, sae_id) | {"device": "cpu", "dtype": "float32"},
    )
    scale = get_norm_scaling_factor(release, sae_id)
    return from_sae_lens(config, state, name=release, input_scale=scale)


def _fetch_gemma_3(release: str, sae_id: str) -> PublishedSae:
    """Return an SAE of Gemma Scope 2, whose sae-lens loader asks the network even for a cached one.

    Source: sae-lens' `gemma_3_sae_huggingface_loader`.
    """
    entry = registry()[release]
    folder = entry.saes_map[sae_id]
    with suppress(EntryNotFoundError):  # some folders have none; the path tells all
        hf_hub_download(entry.repo_id, f"{folder}/config.json")
    return read_sae(Path(hf_hub_download(entry.repo_id, f"{folder}/params.safetensors")).parent)


def registry() -> dict[str, Any]:
    """Return sae-lens' registry: its entries by the releases' names."""
    require("train", "the registry of published SAEs")
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    entries: dict[str, Any] = get_pretrained_saes_directory()
    return entries


def _check_names(release: str, sae_id: str) -> None:
    entries = registry()
    if release not in entries:
        close = get_close_matches(release.lower(), entries, n=5) or sorted(entries)[:5]
        raise ValueError(
            f"release={release!r}: sae-lens knows {len(entries)}, such as {', '.join(close)}; "
            "docs/saes.md lists them"
        )
    ids = entries[release].saes_map
    if sae_id not in ids:
        close = get_close_matches(sae_id.lower(), ids, n=5) or list(ids)[:5]
        raise ValueError(f"sae_id={sae_id!r}: {release} has {len(ids)}, such as {', '.join(close)}")


def _loader_name(release: str) -> str:
    return registry()[release].conversion_func or "sae_lens"


def _config_getter(loader: str) -> Callable[[str, str, str], dict[str, Any]]:
    from sae_lens.loading.pretrained_sae_loaders import NAMED_PRETRAINED_SAE_CONFIG_GETTERS

    getter: Callable[[str, str, str], dict[str, Any]] = NAMED_PRETRAINED_SAE_CONFIG_GETTERS[loader]
    return getter
