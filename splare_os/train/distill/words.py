"""The level of a vocabulary head's logits, before it is trained to search."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...encode.encoder import SplareEncoder

SAMPLE_TEXTS = 128
ACTIVE_WORDS = 1000
"""Words of a document's that start active: about as many latents a zero-shot SAE gives it."""

DECIMALS = 2
"""Of the level: processors differ in the sixth of a logit, and so nearly never in the level."""


def lower_logits(encoder: SplareEncoder, texts: Sequence[str]) -> float:
    """Lower all logits so that a text has `ACTIVE_WORDS` above 0 in the mean; return by how much.

    The level lies halfway between the lowest logit that stays above 0 and the next, and is rounded
    then. A masked-language model is trained through a softmax, which leaves it open where 0 is:
    most words may be active in every text, and ReLU would cut nothing.
    """
    sae, maxima = encoder.pooling.sae, []
    model = encoder.model.eval()
    with torch.inference_mode():
        for text in texts[:SAMPLE_TEXTS]:
            features = model[0](model.preprocess([text]))
            pooled = encoder.pooling.pooled_mask(features)
            states = encoder.pooling.head(features["token_embeddings"][pooled])
            if len(states):
                maxima.append(sae.pre_activations(states).amax(dim=0))
    if not maxima:
        raise ValueError("no text has a token that is pooled: give texts to measure logits on")
    found = torch.stack(maxima).flatten().sort().values
    n_active = min(ACTIVE_WORDS, encoder.n_latents) * len(maxima)
    first = max(1, len(found) - n_active)  # of those that stay active
    level = round(float(found[first - 1 : first + 1].mean()), DECIMALS)
    sae.bias.data -= level
    return level
