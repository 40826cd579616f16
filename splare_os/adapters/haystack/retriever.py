"""A retriever of documents by the sparse embedding of a query."""

from typing import Any, Self

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.dataclasses import SparseEmbedding
from haystack.document_stores.types import FilterPolicy
from haystack.document_stores.types.filter_policy import apply_filter_policy

from .store import SplareDocumentStore


@component
class SplareEmbeddingRetriever:
    """Finds the documents of a `SplareDocumentStore` whose impacts score highest for a query.

    `filters` and `top_k` are what `run` may replace; with the policy `merge` filters of both hold.
    Scores are the cluster's, as `SplareOpenSearch` has them.
    """

    def __init__(
        self,
        *,
        document_store: SplareDocumentStore,
        filters: dict[str, Any] | None = None,
        top_k: int = 10,
        filter_policy: str | FilterPolicy = FilterPolicy.REPLACE,
    ) -> None:
        if not isinstance(document_store, SplareDocumentStore):
            raise ValueError(
                f"document_store is a {type(document_store).__name__}, which keeps no sparse "
                "embeddings: give a SplareDocumentStore"
            )
        if top_k < 1:
            raise ValueError(f"top_k={top_k}: ask for at least one document")
        self._document_store, self._top_k = document_store, top_k
        self._filters = filters or {}
        self._filter_policy = FilterPolicy(filter_policy)

    def to_dict(self) -> dict[str, Any]:
        """Return the component as pipelines keep it."""
        return default_to_dict(
            self,
            document_store=self._document_store.to_dict(),
            filters=self._filters,
            top_k=self._top_k,
            filter_policy=self._filter_policy.value,
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the component that `to_dict` tells of."""
        made = data["init_parameters"]
        store = SplareDocumentStore.from_dict(made["document_store"])
        return default_from_dict(
            cls, {**data, "init_parameters": {**made, "document_store": store}}
        )

    @component.output_types(documents=list[Document])
    def run(
        self,
        query_sparse_embedding: SparseEmbedding,
        filters: dict[str, Any] | None = None,
        top_k: int | None = None,
    ) -> dict[str, list[Document]]:
        """Return `documents`, best first, with their scores."""
        return {
            "documents": self._document_store._sparse_embedding_retrieval(
                query_sparse_embedding, **self._asked(filters, top_k)
            )
        }

    @component.output_types(documents=list[Document])
    async def run_async(
        self,
        query_sparse_embedding: SparseEmbedding,
        filters: dict[str, Any] | None = None,
        top_k: int | None = None,
    ) -> dict[str, list[Document]]:
        """Return what `run` does."""
        return {
            "documents": await self._document_store._sparse_embedding_retrieval_async(
                query_sparse_embedding, **self._asked(filters, top_k)
            )
        }

    def _asked(self, filters: dict[str, Any] | None, top_k: int | None) -> dict[str, Any]:
        kept = apply_filter_policy(self._filter_policy, self._filters, filters)
        return {"filters": kept, "top_k": self._top_k if top_k is None else top_k}
