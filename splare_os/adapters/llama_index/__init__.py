"""LlamaIndex: a retriever over an index with impacts, and sparse embeddings for its stores."""

from ...extras import require

require("llama-index", __name__)

from .embedding import sparse_doc_fn, sparse_query_fn  # noqa: E402
from .filters import to_dsl  # noqa: E402
from .retriever import SplareRetriever  # noqa: E402

__all__ = ["SplareRetriever", "sparse_doc_fn", "sparse_query_fn", "to_dsl"]
