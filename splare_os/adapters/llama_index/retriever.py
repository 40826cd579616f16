"""A retriever over an index with impacts."""

from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.vector_stores import MetadataFilters
from opensearchpy import AsyncOpenSearch

from ...search.client.client import SplareOpenSearch
from ...search.fusion.hybrid import Hybrid
from ...search.query.query import Dsl
from ..passages import Passage, Search
from .filters import to_dsl


class SplareRetriever(BaseRetriever):
    """Finds the `similarity_top_k` best nodes of an index, by a client that knows the model.

    `text_field` is the one whose impacts are searched, and the text of nodes; None: the only one.
    `filters` are LlamaIndex's or query DSL, `hybrid` fuses with BM25. An `async_client`
    (`AsyncSplareOpenSearch`) serves `aretrieve`, which a thread does otherwise. A node's id is the
    document's, its metadata are the document's other fields.
    """

    def __init__(  # noqa: PLR0913  # each is another setting, by keyword alone
        self,
        client: SplareOpenSearch,
        index: str,
        *,
        similarity_top_k: int = 10,
        text_field: str | None = None,
        filters: MetadataFilters | Dsl | None = None,
        hybrid: Hybrid | None = None,
        async_client: AsyncOpenSearch | None = None,
        **kwargs: Any,  # noqa: ANN401  # LlamaIndex's
    ) -> None:
        super().__init__(**kwargs)
        kept = to_dsl(filters) if isinstance(filters, MetadataFilters) else filters
        self._search = Search(client, index, text_field, kept, hybrid)
        self._size, self._async_client = similarity_top_k, async_client

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return list(map(_node, self._search.passages(query_bundle.query_str, self._size)))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        query, client = query_bundle.query_str, self._async_client
        return list(map(_node, await self._search.passages_later(client, query, self._size)))


def _node(passage: Passage) -> NodeWithScore:
    node = TextNode(id_=passage.id, text=passage.text, metadata=dict(passage.metadata))
    return NodeWithScore(node=node, score=passage.score)
