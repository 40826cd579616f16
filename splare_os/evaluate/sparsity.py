"""How sparse impacts are: active latents, and the multiplications that a pair of texts costs."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..impacts import Impacts


@dataclass(frozen=True)
class Sparsity:
    """Mean active latents of a query and of a document, and FLOPS of a query-document pair."""

    query_latents: float
    document_latents: float
    flops: float


def sparsity(queries: Impacts, documents: Iterable[Impacts]) -> Sparsity:
    """Return the sparsity of queries and of documents, which come in any number of parts.

    FLOPS is the sum over latents of p(active in a query) × p(active in a document): the
    multiplications that scoring a random pair takes. Source: SPLADE, arXiv 2107.05720, after
    Paria et al., arXiv 2004.05665.
    """
    active = np.zeros(queries.shape[1], dtype=np.int64)
    n_documents = 0
    for part in documents:
        active += _times_active(part)
        n_documents += part.shape[0]
    asked = _times_active(queries)
    n_queries, n_documents = max(1, queries.shape[0]), max(1, n_documents)
    pairs = float(np.dot(asked / n_queries, active / n_documents))
    return Sparsity(float(asked.sum()) / n_queries, float(active.sum()) / n_documents, pairs)


def _times_active(impacts: Impacts) -> NDArray[np.int64]:
    return np.bincount(impacts.indices, minlength=impacts.shape[1])
