import pytest
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.document_stores.types import FilterPolicy

from splare_os.adapters.haystack import SplareDocumentStore, SplareEmbeddingRetriever

ENGLISH = {"field": "meta.lang", "operator": "==", "value": "en"}


def test_a_retriever_is_kept_with_its_store() -> None:
    store = SplareDocumentStore(
        hosts="http://localhost:9200", index="papers", template="{title} {content}", scoring="dot"
    )
    made = SplareEmbeddingRetriever(
        document_store=store, filters=ENGLISH, top_k=3, filter_policy="merge"
    )
    again = SplareEmbeddingRetriever.from_dict(made.to_dict())
    assert again.to_dict() == made.to_dict()
    assert again._filter_policy is FilterPolicy.MERGE
    assert isinstance(again._document_store, SplareDocumentStore)
    assert again._document_store._ours == store._ours


def test_a_store_without_sparse_embeddings_is_refused() -> None:
    with pytest.raises(ValueError, match="InMemoryDocumentStore, which keeps no sparse"):
        SplareEmbeddingRetriever(document_store=InMemoryDocumentStore())  # type: ignore[arg-type]
