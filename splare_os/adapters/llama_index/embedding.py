"""Sparse embeddings as LlamaIndex's vector stores take them: `sparse_doc_fn`, `sparse_query_fn`."""

from collections.abc import Callable
from typing import TypeAlias

from ...encoder import Encoder
from ...impacts import Impacts, to_features
from ..models import encoder_of

SparseVectors: TypeAlias = tuple[list[list[int]], list[list[float]]]
"""Latents, and their impacts, of each text."""

SparseFn: TypeAlias = Callable[[list[str]], SparseVectors]


def sparse_doc_fn(model: str | Encoder = "mini") -> SparseFn:
    """Return a function from documents' texts to latents and impacts, heaviest first.

    `model` is a name, a folder or an address (see `load_encoder`), or an encoder.
    """
    return lambda texts: _vectors(encoder_of(model).encode_documents(texts))


def sparse_query_fn(model: str | Encoder = "mini") -> SparseFn:
    """Return a function from queries to latents and impacts, heaviest first."""
    return lambda texts: _vectors(encoder_of(model).encode_queries(texts))


def _vectors(impacts: Impacts) -> SparseVectors:
    rows = [to_features(impacts, row) for row in range(impacts.shape[0])]
    return [list(map(int, row)) for row in rows], [list(row.values()) for row in rows]
