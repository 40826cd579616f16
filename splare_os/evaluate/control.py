"""A control for what latents seem to explain: the same model with a random dictionary.

Random dictionaries match trained ones on some scores of interpretability; what both show is no
evidence for what the latents of a trained one mean.
Source: Sanity checks for sparse autoencoders, arXiv 2602.14111.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from sentence_transformers import SparseEncoder
from torch import Tensor, nn

from ..encode.encoder import SplareEncoder
from ..encode.packing import packs
from ..encode.pooling import SaePooling
from ..encode.pooling.window_impacts import pooled_tokens
from ..encode.sae.sae import SaeEncoder
from ..encode.windows import split

PACK_TOKENS = 2048
BLOCK_LATENTS = 256


def random_dictionary(
    encoder: SplareEncoder, texts: Sequence[str], *, seed: int = 0
) -> SplareEncoder:
    """Return `encoder` with random directions in place of its SAE's; it has no fingerprint.

    The backbone, the norm and the threshold of each latent stay; its bias is such that it is
    active at as many tokens of `texts` as before. `ValueError` for a TopK SAE, whose tokens all
    have equally many active latents.
    """
    sae = encoder.pooling.sae
    if sae.top_k is not None:
        raise ValueError(f"model {encoder.name!r} has a TopK SAE: it has no thresholds to keep")
    states = token_states(encoder, texts)
    weight = sae.weight.float().cpu()
    draw = torch.Generator().manual_seed(seed)
    directions = torch.randn(weight.shape, generator=draw)
    directions *= weight.norm(dim=1, keepdim=True) / directions.norm(dim=1, keepdim=True)
    bias = torch.cat([*_biases(states, sae, directions)])
    made = SaeEncoder.from_tensors(directions, bias, sae.threshold.float().cpu())
    made.convert(sae.weight.dtype)
    return _with_sae(encoder, made)


def token_states(encoder: SplareEncoder, texts: Sequence[str]) -> Tensor:
    """Return the states [token, state] of all tokens of documents that are pooled, in float32."""
    card, prompt = encoder.card, encoder.model.prompts.get("document") or ""
    prompted = [prompt + text for text in texts]
    windows = split(encoder.tokenizer, prompted, size=card.window, overlap=card.overlap)
    with torch.inference_mode():
        parts = [
            pooled_tokens(encoder.backbone, encoder.pooling, pack).states.float().cpu()
            for pack in packs(windows, max_tokens=PACK_TOKENS)
        ]
    states = torch.cat(parts) if parts else torch.zeros(0)
    if not len(states):
        raise ValueError(f"{len(texts)} texts have no token: give some that have words")
    return states


def _biases(states: Tensor, sae: SaeEncoder, directions: Tensor) -> Iterator[Tensor]:
    """Yield the biases [latent] of blocks of latents that make them as active as those of `sae`."""
    weight, bias = sae.weight.float().cpu(), sae.bias.float().cpu()
    threshold = sae.threshold.float().cpu().clamp_min(0)
    for start in range(0, len(bias), BLOCK_LATENTS):
        block = slice(start, start + BLOCK_LATENTS)
        active = (states @ weight[block].T + bias[block] > threshold[block]).sum(dim=0)
        products = (states @ directions[block].T).sort(dim=0, descending=True).values
        # the largest product that is not to pass; where all are to pass, none is left
        last = active.clamp_max(len(states) - 1)
        edge = products.gather(0, last[None])[0]
        spread = (products[0] - products[-1]).clamp_min(1e-6)
        yield threshold[block] - torch.where(active < len(states), edge, edge - spread)


def _with_sae(encoder: SplareEncoder, sae: SaeEncoder) -> SplareEncoder:
    old = encoder.pooling
    head = None if old.transform is None else old.head
    unpooled = old.unpooled_token_ids
    pooling = SaePooling.from_sae(sae, unpooled, head=head, rule=old.rule)  # type: ignore[arg-type]
    device = str(encoder.backbone.model.device)
    modules: list[nn.Module] = [encoder.backbone, pooling]
    prompts = {name: prompt for name, prompt in encoder.model.prompts.items() if prompt}
    model = SparseEncoder(modules=modules, prompts=prompts, device=device)
    card = replace(encoder.card, name=f"{encoder.name}-random", fingerprint="")
    return SplareEncoder(model, card)
