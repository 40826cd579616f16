"""A document store that keeps sparse embeddings, over Haystack's own for OpenSearch.

Haystack's store drops them. What is overridden here is private to it, so versions are pinned.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self, cast

from haystack import Document
from haystack.dataclasses import SparseEmbedding
from haystack_integrations.document_stores.opensearch import OpenSearchDocumentStore
from haystack_integrations.document_stores.opensearch.filters import normalize_filters
from opensearchpy import OpenSearch

from ...documents.fields import SUFFIX
from ...encoder import Encoder
from ...index.census import Census, CensusOptions, take_census
from ...layout.cut import DocumentCut
from ...scoring import Scoring
from ...search.query.query import Dsl
from ..models import encoder_of, name_of
from .embedding import fields_of
from .sparse import SparseField, refuse_reserved, refuse_update

OURS = f"*{SUFFIX}"
"""Fields of impacts, which are no metadata."""

SEARCHED = {
    *("text", "match_only_text", "keyword", "constant_keyword", "wildcard", "version", "ip"),
    *("date", "date_nanos", "boolean", "byte", "short", "integer", "long", "unsigned_long"),
    *("half_float", "float", "double", "scaled_float"),
}
"""Types of fields that a query of all fields looks into."""


class SplareDocumentStore(OpenSearchDocumentStore):
    """`OpenSearchDocumentStore` whose documents keep `sparse_embedding`, as impacts of a model.

    `model` is a name, a folder or an address (see `load_encoder`), or an encoder: the one of the
    embedders. With the first embedding that is written, the index gets the impacts field
    `impacts_field` (`content_splare`), which belongs to that model; with `create_index=False` it
    has to be there. `template` says what was encoded in place of the content, as the embedder's
    does. `scoring` is `calibrated` or `dot`, `sparse_top_k` and `sparse_mass` which impacts of a
    document are kept (`--top-k` and `--mass` of `splare-os index`): what a new field is made for
    (None: the usual, or what it was made for). All else is Haystack's.

    Documents come back without sparse embeddings: the index keeps impacts saturated, not as the
    model gave them. To write a document back is to write it without.
    """

    def __init__(  # noqa: PLR0913  # each is another setting, by keyword alone
        self,
        *,
        model: str | Encoder = "mini",
        template: str | None = None,
        impacts_field: str | None = None,
        scoring: Scoring | None = None,
        sparse_top_k: int | None = None,
        sparse_mass: float | None = None,
        **kwargs: Any,  # noqa: ANN401  # Haystack's
    ) -> None:
        super().__init__(**kwargs)
        self._model = model
        self._ours: dict[str, Any] = {
            "template": template,
            "impacts_field": impacts_field,
            "scoring": scoring,
            "sparse_top_k": sparse_top_k,
            "sparse_mass": sparse_mass,
        }
        self._fields = fields_of(template, impacts_field)
        self._sparse: SparseField | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the store as pipelines keep it, its model by name."""
        data = super().to_dict()
        data["init_parameters"] |= {"model": name_of(self._model), **self._ours}
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the store that `to_dict` tells of."""
        return cast(Self, super().from_dict(data))

    def close(self) -> None:
        """Close the connections of the synchronous client."""
        super().close()
        self._sparse = None

    async def close_async(self) -> None:
        """Close the connections of both clients: the asynchronous one asks by the other, too."""
        await super().close_async()
        self.close()

    def take_statistics(self) -> list[Census]:
        """Count how many documents show each latent, and keep it: calibrated scores need it.

        It is for after many writes, as `splare-os statistics` is.
        """
        options = CensusOptions(text_field=self._fields.text)
        return list(take_census(self._connected(), self._index, options))

    def _connected(self) -> OpenSearch:
        self._ensure_initialized()
        assert self._client is not None  # noqa: S101  # for the type checker
        return self._client

    def _sparse_field(self) -> SparseField:
        """Return the impacts field, made if it is not there; asked of the cluster at first."""
        client = self._connected()
        if self._sparse is None or self._sparse.client is not client:
            self._sparse = SparseField(
                client, self._index, encoder_of(self._model), self._fields, **self._wanted
            )
        return self._sparse

    @property
    def _wanted(self) -> dict[str, Any]:
        cut = DocumentCut(self._ours["sparse_top_k"], self._ours["sparse_mass"])
        return {"cut": cut, "scoring": self._ours["scoring"], "create": self._create_index}

    # writes

    async def write_documents_async(
        self,
        documents: list[Document],
        *args: Any,  # noqa: ANN401  # Haystack's
        **kwargs: Any,  # noqa: ANN401
    ) -> int:
        """Write documents as `write_documents` does."""
        if _have_embeddings(documents):
            await asyncio.to_thread(self._parts, documents)  # the model is loaded, and checked
        n_written: int = await super().write_documents_async(documents, *args, **kwargs)
        return n_written

    def _prepare_bulk_write_request(
        self,
        *,
        documents: list[Document],
        **how: Any,  # noqa: ANN401  # Haystack's
    ) -> dict[str, Any]:
        """Return Haystack's request, with the impacts in it."""
        request: dict[str, Any] = super()._prepare_bulk_write_request(
            documents=[_without_embedding(document) for document in documents], **how
        )
        for action, part in zip(request["actions"], self._parts(documents), strict=True):
            action["_source"] |= part
        return request

    def _parts(self, documents: list[Document]) -> list[dict[str, object]]:
        for document in documents:
            refuse_reserved(document)
        if not _have_embeddings(documents):
            return [{} for _ in documents]
        return self._sparse_field().parts(documents)

    def update_by_filter(
        self,
        filters: dict[str, Any],
        meta: dict[str, Any],
        refresh: bool = False,  # noqa: FBT001, FBT002  # Haystack's
    ) -> int:
        """Update metadata of which no impacts are made; `ValueError` for other."""
        refuse_update(meta, self._fields)
        n_updated: int = super().update_by_filter(filters, meta, refresh)
        return n_updated

    async def update_by_filter_async(
        self,
        filters: dict[str, Any],
        meta: dict[str, Any],
        refresh: bool = False,  # noqa: FBT001, FBT002  # Haystack's
    ) -> int:
        """Update what `update_by_filter` does."""
        refuse_update(meta, self._fields)
        n_updated: int = await super().update_by_filter_async(filters, meta, refresh)
        return n_updated

    # searches

    def _sparse_embedding_retrieval(
        self,
        query_sparse_embedding: SparseEmbedding,
        *,
        filters: dict[str, Any] | None = None,
        top_k: int = 10,
    ) -> list[Document]:
        """Return the documents with the largest scores, for `SplareEmbeddingRetriever`."""
        body = self._sparse_body(query_sparse_embedding, filters, top_k)
        found: list[Document] = self._search_documents(body)
        return found

    async def _sparse_embedding_retrieval_async(
        self,
        query_sparse_embedding: SparseEmbedding,
        *,
        filters: dict[str, Any] | None = None,
        top_k: int = 10,
    ) -> list[Document]:
        """Return what `_sparse_embedding_retrieval` does."""
        await self._ensure_initialized_async()
        body = await asyncio.to_thread(self._sparse_body, query_sparse_embedding, filters, top_k)
        found: list[Document] = await self._search_documents_async(body)
        return found

    def _sparse_body(
        self, embedding: SparseEmbedding, filters: dict[str, Any] | None, top_k: int
    ) -> Dsl:
        if top_k < 1:
            raise ValueError(f"top_k={top_k}: ask for at least one document")
        field = self._sparse_field()
        kept: Dsl | None = None
        if filters:
            nested = self._resolved_nested_fields
            kept = {"bool": {"filter": normalize_filters(filters, nested_fields=nested)}}
        body: Dsl = {"query": field.query(embedding, kept), "size": top_k}
        if not self._return_embedding:
            body["_source"] = {"excludes": ["embedding"]}
        return body

    def _search_documents(self, request_body: dict[str, Any]) -> list[Document]:
        found: list[Document] = super()._search_documents(_without_ours(request_body))
        return found

    async def _search_documents_async(self, request_body: dict[str, Any]) -> list[Document]:
        found: list[Document] = await super()._search_documents_async(_without_ours(request_body))
        return found

    # words: Haystack's query of all fields would find latents by their numbers

    async def _bm25_retrieval_async(self, *args: Any, **kwargs: Any) -> list[Document]:  # noqa: ANN401
        """Return what `_bm25_retrieval` does, its question about fields asked in a thread."""
        return await asyncio.to_thread(self._bm25_retrieval, *args, **kwargs)

    def _prepare_bm25_search_request(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return Haystack's request, of all fields but those of impacts."""
        body: dict[str, Any] = super()._prepare_bm25_search_request(**asked)
        if not isinstance(asked["custom_query"], dict):
            words = body["query"]["bool"]["must"][0]["multi_match"]
            words |= {"fields": self._word_fields(), "lenient": True}
        return body

    def _word_fields(self) -> list[str]:
        """Return the fields that a query of all fields looks into, but for those of impacts."""
        client = self._connected()
        found = client.field_caps(index=self._index, fields="*")["fields"]
        kinds = {name: set(kinds) for name, kinds in found.items() if not name.startswith("_")}
        ours = f"{SUFFIX}."
        return [name for name, kind in kinds.items() if kind <= SEARCHED and ours not in name]

    # what tells of fields

    def get_metadata_fields_info(self) -> dict[str, dict[str, str]]:
        """Return name and type of the metadata's fields, those of impacts not among them."""
        return _of_metadata(super().get_metadata_fields_info())

    async def get_metadata_fields_info_async(self) -> dict[str, dict[str, str]]:
        """Return what `get_metadata_fields_info` does."""
        return _of_metadata(await super().get_metadata_fields_info_async())


def _have_embeddings(documents: list[Document]) -> bool:
    known = (one for one in documents if isinstance(one, Document))
    return any(one.sparse_embedding is not None for one in known)


def _without_embedding(document: Document) -> Document:
    """Return a document of which Haystack's store has nothing to drop, and to warn of."""
    if not isinstance(document, Document) or document.sparse_embedding is None:
        return document  # what is no document is refused there
    return replace(document, sparse_embedding=None)


def _without_ours(body: Dsl) -> Dsl:
    """Return a search for documents without the fields of impacts, which are no metadata."""
    source = body.get("_source") or {}
    return {**body, "_source": {**source, "excludes": [*source.get("excludes", ()), OURS]}}


def _of_metadata(info: Mapping[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    return {name: kind for name, kind in info.items() if not name.endswith(SUFFIX)}
