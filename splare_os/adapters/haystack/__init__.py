"""Haystack: documents with sparse embeddings in OpenSearch, and what finds them.

embedding (which model and text made it) → embedders; impacts (what a document stores) → store →
retriever.
"""

from ...extras import require

require("haystack", __name__)

from .embedders import SplareDocumentEmbedder, SplareTextEmbedder  # noqa: E402
from .retriever import SplareEmbeddingRetriever  # noqa: E402
from .store import SplareDocumentStore  # noqa: E402

__all__ = [
    "SplareDocumentEmbedder",
    "SplareDocumentStore",
    "SplareEmbeddingRetriever",
    "SplareTextEmbedder",
]
