"""LangChain: a retriever over an index with impacts."""

from typing import Any

from ..extras import require

require("langchain", __name__)

from langchain_core.callbacks import (  # noqa: E402
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document  # noqa: E402
from langchain_core.retrievers import BaseRetriever  # noqa: E402
from opensearchpy import AsyncOpenSearch  # noqa: E402

from ..search.client.client import SplareOpenSearch  # noqa: E402
from ..search.fusion.hybrid import Hybrid  # noqa: E402
from .passages import Passage, Search  # noqa: E402


class SplareRetriever(BaseRetriever):
    """Finds the `k` best documents of an index, by a client that knows the model.

    `text_field` is the one whose impacts are searched, and the content of documents; None: the only
    one. `filter` is query DSL, `hybrid` fuses with BM25. A `async_client` (`AsyncSplareOpenSearch`)
    serves `ainvoke`, which a thread does otherwise. The metadata are the document's other fields,
    `_id` and `_score`. `invoke` takes another `k` and `filter`.
    """

    client: SplareOpenSearch
    index: str
    k: int = 10
    text_field: str | None = None
    filter: dict[str, Any] | None = None
    hybrid: Hybrid | None = None
    async_client: AsyncOpenSearch | None = None

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002  # as LangChain calls it
        k: int | None = None,
        filter: dict[str, Any] | None = None,  # noqa: A002
    ) -> list[Document]:
        found = self._search(filter).passages(query, self.k if k is None else k)
        return list(map(_document, found))

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,  # noqa: ARG002
        k: int | None = None,
        filter: dict[str, Any] | None = None,  # noqa: A002
    ) -> list[Document]:
        search, size = self._search(filter), self.k if k is None else k
        return list(map(_document, await search.passages_later(self.async_client, query, size)))

    def _search(self, filter: dict[str, Any] | None) -> Search:  # noqa: A002
        kept = self.filter if filter is None else filter
        return Search(self.client, self.index, self.text_field, kept, self.hybrid)


def _document(passage: Passage) -> Document:
    metadata = {**passage.metadata, "_id": passage.id, "_score": passage.score}
    return Document(id=passage.id, page_content=passage.text, metadata=metadata)
