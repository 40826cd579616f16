"""A trained SAE in sae-lens' file format, decoder and all."""

from __future__ import annotations

from pathlib import Path

import torch

from .sae import TrainedSae


def save_sae(sae: TrainedSae, folder: Path, *, backbone: str, layer: int) -> None:
    """Write `cfg.json` and `sae_weights.safetensors`, which `sae_lens.SAE.load_from_disk` reads.

    The metadata name the backbone (of a folder its last part alone: paths are a machine's own) and
    the hook, `blocks.L.hook_resid_post`.
    """
    from sae_lens import JumpReLUSAE, JumpReLUSAEConfig, TopKSAE, TopKSAEConfig
    from sae_lens.saes.sae import SAEMetadata

    d_in, d_sae = sae.w_enc.shape
    name = Path(backbone).resolve().name if Path(backbone).exists() else backbone
    metadata = SAEMetadata(model_name=name, hook_name=f"blocks.{layer}.hook_resid_post")
    shared = {"d_in": d_in, "d_sae": d_sae, "apply_b_dec_to_input": False, "metadata": metadata}
    tensors = {"W_enc": sae.w_enc, "b_enc": sae.b_enc, "W_dec": sae.w_dec, "b_dec": sae.b_dec}
    if sae.top_k is None:
        theirs = JumpReLUSAE(JumpReLUSAEConfig(**shared))
        tensors["threshold"] = sae.threshold
    else:
        theirs = TopKSAE(TopKSAEConfig(**shared, k=sae.top_k))
    theirs.load_state_dict(tensors)
    with torch.no_grad():
        theirs.save_model(folder)
