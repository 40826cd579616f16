"""Sentence embeddings to a model: an SAE over the vectors of a dense index, and its bi-encoder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from ...encode import DenseEncoder, EmbeddingSae, SaeEncoder
from ...statistics import Statistics
from .options import SaeOptions
from .progress import Watch, unwatched
from .states_store import States
from .training import train_sae

EMBEDDINGS = SaeOptions(width=4096, k=32, n_tokens=1_000_000, batch_tokens=1024)
"""What suits embeddings: fewer vectors than texts have tokens, and each of a whole text."""


def train_dense_sae(
    dense: SentenceTransformer,
    vectors: NDArray[np.float32],
    *,
    name: str,
    options: SaeOptions = EMBEDDINGS,
    watch: Watch = unwatched,
) -> DenseEncoder:
    """Return a bi-encoder with an SAE of `vectors` [text, state], embeddings that it made.

    Those of a k-NN index will do: no text is encoded. `ValueError` for fewer than a batch of them,
    or of another width. Not yet saved.
    """
    if vectors.ndim != 2 or vectors.shape[1] != dense.get_embedding_dimension():
        raise ValueError(
            f"vectors have shape {vectors.shape}: give [text, state] with "
            f"{dense.get_embedding_dimension()} numbers each, as the bi-encoder embeds texts"
        )
    trained = train_sae(States(vectors.astype(np.float16)), options, watch=watch)
    sae = SaeEncoder.from_tensors(
        trained.w_enc.T.contiguous(), trained.b_enc, trained.threshold, top_k=trained.top_k
    )
    encoder = DenseEncoder.build(dense, EmbeddingSae.of(sae, trained.w_dec), name)
    encoder.prior = Statistics.of(encoder.impacts_of(vectors.astype(np.float32)))
    return encoder
