"""Shares of the device's peak: backbone + SAE, and SAE + pooling alone."""

from collections.abc import Sequence

import torch

from splare_os.encode import SplareEncoder
from splare_os.encode.encoder import MAX_TOKENS
from splare_os.encode.flops import sae_flops
from splare_os.encode.packing import packs
from splare_os.encode.pooling.segment_max_cuda import TOKENS_BEFORE_MEASURING
from splare_os.encode.pooling.window_impacts import largest_activations, pooled_tokens
from splare_os.encode.throughput import encoder_flops, gemm_peak

from .pairs import Ratio, of_pairs, seconds


def shares(encoder: SplareEncoder, slices: Sequence[Sequence[str]]) -> dict[str, Ratio]:
    """Return both shares of the peak over `slices`, each beside a peak measured next to it.

    Tokenisation and the cut to the heaviest impacts are left out, as they multiply nothing.
    """
    _warm_up(encoder, slices[0])
    whole, stage = [], []
    for texts in slices:
        weight = encoder.pooling.sae.weight
        peak = gemm_peak(weight.device, weight.dtype, (weight.shape[1], weight.shape[0]))
        whole.append(_whole(encoder, texts) / peak)
        stage.append(_sae_stage(encoder, texts) / peak)
    return {"backbone + SAE": of_pairs(whole), "SAE + pooling": of_pairs(stage)}


def _warm_up(encoder: SplareEncoder, texts: Sequence[str]) -> None:
    """Encode some texts; on a GPU as many as it takes until its routes have been timed."""
    encoder.encode_documents(texts[:32])
    if encoder.backbone.model.device.type != "cuda":
        return
    n_tokens = sum(encoder.token_counts(texts))
    for _ in range(1 + TOKENS_BEFORE_MEASURING // max(n_tokens, 1)):
        encoder.encode_documents(texts)


def _whole(encoder: SplareEncoder, texts: Sequence[str]) -> float:
    """Return FLOP/s of backbone, SAE and pooling."""
    windows = encoder._split(texts, with_offsets=False)

    def run() -> None:
        for _ in encoder._passes(windows):
            pass
        _wait(encoder)

    return encoder_flops(encoder, [len(ids) for ids in windows.ids]) / seconds(run)


@torch.inference_mode()
def _sae_stage(encoder: SplareEncoder, texts: Sequence[str]) -> float:
    """Return FLOP/s of the SAE and pooling over states that are there already."""
    windows = encoder._split(texts, with_offsets=False)
    pack = next(packs(windows, max_tokens=MAX_TOKENS[encoder.backbone.model.device.type]))
    tokens = pooled_tokens(encoder.backbone, encoder.pooling, pack)
    weight = encoder.pooling.sae.weight
    flop = sae_flops(len(tokens.states), weight.shape[1], weight.shape[0])

    def run() -> None:
        largest_activations(tokens, encoder.pooling.sae)
        _wait(encoder)

    run()
    return flop / min(seconds(run) for _ in range(5))


def _wait(encoder: SplareEncoder) -> None:
    if encoder.backbone.model.device.type == "cuda":
        torch.cuda.synchronize()
