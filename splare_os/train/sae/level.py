"""Latents on one level: what a text that shows a latent typically shows of it is the same for all.

Without it the latents of common causes, large in nearly every text, outweigh the specific ones.
docs/training.md tells how the constants were chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...encode.encoder import SplareEncoder
from ...impacts import Impacts

TYPICAL = 0.5
"""What a text typically shows of a latent, pooled and not yet saturated."""

WEAKEST = 0.3
"""A latent of which texts show less than this share of the median latent counts as that much."""


def gains(impacts: Impacts, *, alike: bool = False) -> NDArray[np.float64]:
    """Return what to multiply latents [latent] by, so that each has the typical amount `TYPICAL`.

    `impacts` [text, latent] are pooled activations; the median over the texts that show a latent is
    its typical amount, and that of the median latent for those that none shows. `alike`: all
    latents by one factor, that of the median latent. `ValueError` if no text shows any.

    >>> from scipy.sparse import csr_array
    >>> gains(csr_array([[1.0, 4.0, 0.0], [1.0, 0.0, 0.0]])).tolist()
    [0.5, 0.125, 0.2]
    """
    if not impacts.nnz:
        raise ValueError(f"no latent is active in {impacts.shape[0]} texts: give those of training")
    by_latent = impacts.tocsc()
    columns = np.split(by_latent.data, by_latent.indptr[1:-1])
    typical = np.array([np.median(column) if len(column) else np.nan for column in columns])
    middle = np.nanmedian(typical)
    if alike:
        return np.full(len(typical), TYPICAL / middle)
    found: NDArray[np.float64] = TYPICAL / np.nan_to_num(typical, nan=middle).clip(WEAKEST * middle)
    return found


def gains_on(encoder: SplareEncoder, texts: Sequence[str], *, alike: bool = False) -> Tensor:
    """Return the `gains` [latent] of what `encoder` shows of `texts`, read as documents."""
    card = encoder.card
    encoder.card = replace(card, document_top_k=encoder.n_latents)
    try:
        found = encoder.encode_documents(texts)
    finally:
        encoder.card = card
    pooled = encoder.pooling.rule.unsaturated_rows(found)
    return torch.from_numpy(gains(pooled, alike=alike)).float()
