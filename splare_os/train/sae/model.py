"""The model folder of an SAE that was trained, and the whole SAE beside it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ...encode.backbone import Backbone
from ...encode.card import Card
from ...encode.encoder import SplareEncoder
from ...encode.sae.sae import SaeEncoder
from ..prior import take_prior
from ..work_folder import beside
from .folder import save_sae
from .level import gains_on
from .sae import TrainedSae

if TYPE_CHECKING:
    from .options import SaeJob


def save_model(
    backbone: Backbone, sae: TrainedSae, job: SaeJob, texts: Sequence[str]
) -> SplareEncoder:
    """Write the whole SAE and the model folder, each appearing only when it is complete.

    Latents are brought to one level, and a prior is taken, on `texts`.
    """
    sae = sae.scaled(gains_on(_built(backbone, sae, job), texts, alike=not job.is_levelled))
    part = beside(job.sae_folder, ".part")
    shutil.rmtree(part, ignore_errors=True)
    save_sae(sae, part, backbone=job.backbone, layer=job.layer)
    if (job.sae_folder / "cfg.json").exists():  # of a run that stopped just here
        shutil.rmtree(job.sae_folder)
    part.rename(job.sae_folder)
    built = _built(backbone, sae, job)
    built.prior = take_prior(built, texts)
    dtype = getattr(torch, job.save_dtype) if job.save_dtype else backbone.model.dtype
    built.model.to(dtype)
    built.pooling.sae.convert(dtype)
    part = beside(job.out, ".part")
    shutil.rmtree(part, ignore_errors=True)
    built.save(part)
    part.rename(job.out)
    return built


def _built(backbone: Backbone, sae: TrainedSae, job: SaeJob) -> SplareEncoder:
    encoder = SaeEncoder.from_tensors(
        sae.w_enc.T.contiguous(), sae.b_enc, sae.threshold, top_k=sae.top_k
    )
    if job.is_relu:
        encoder.make_relu()
    window = job.states.window
    card = Card(
        job.name or Path(job.out).resolve().name,
        window=window,
        overlap=min(32, window // 8),
        document_top_k=job.document_top_k,
        query_top_k=job.query_top_k,
    )
    return SplareEncoder.build(backbone.to("cpu"), encoder, card, rule=job.rule)
