"""Embedders of texts and of documents: a local model, or one behind `splare-os serve`."""

import asyncio
from dataclasses import replace
from typing import Any, Self

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.dataclasses import SparseEmbedding

from ...documents.document import encoded_text
from ...encoder import Encoder
from ...search.weigh.queries import encoded
from ..models import encoder_of, name_of
from .embedding import embedding_of, fields_of


@component
class SplareTextEmbedder:
    """Makes the sparse embedding of a query.

    `model` is a name, a folder or an address (see `load_encoder`), or an encoder. All latents of
    the query are in it: `SplareEmbeddingRetriever` keeps the heaviest of them as they weigh in the
    collection. For other stores, `cut` leaves those that the model itself would keep.
    """

    def __init__(self, model: str | Encoder = "mini", *, cut: bool = False) -> None:
        self.model, self.cut = model, cut

    def warm_up(self) -> None:
        """Load the model."""
        encoder_of(self.model)

    def to_dict(self) -> dict[str, Any]:
        """Return the component as pipelines keep it."""
        return default_to_dict(self, model=name_of(self.model), cut=self.cut)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the component that `to_dict` tells of."""
        return default_from_dict(cls, data)

    @component.output_types(sparse_embedding=SparseEmbedding)
    def run(self, text: str) -> dict[str, SparseEmbedding]:
        """Return `sparse_embedding` of a query; `TypeError` for what is no text."""
        if not isinstance(text, str):
            raise TypeError(
                f"SplareTextEmbedder takes a text, not {type(text).__name__}: for documents there "
                "is SplareDocumentEmbedder"
            )
        encoder = encoder_of(self.model)
        impacts = encoder.encode_queries([text]) if self.cut else encoded(encoder, [text]).impacts
        return {"sparse_embedding": embedding_of(impacts, 0, encoder, text)}

    @component.output_types(sparse_embedding=SparseEmbedding)
    async def run_async(self, text: str) -> dict[str, SparseEmbedding]:
        """Return what `run` does, and leave the event loop alone meanwhile."""
        return await asyncio.to_thread(self.run, text)


@component
class SplareDocumentEmbedder:
    """Gives documents their sparse embeddings.

    `template` says what is encoded, in place of the content alone: "{title} {content}", where
    `title` is a key of `meta`. The store has to have the same.
    """

    def __init__(self, model: str | Encoder = "mini", *, template: str | None = None) -> None:
        self.model, self.template = model, template
        self._fields = fields_of(template)

    def warm_up(self) -> None:
        """Load the model."""
        encoder_of(self.model)

    def to_dict(self) -> dict[str, Any]:
        """Return the component as pipelines keep it."""
        return default_to_dict(self, model=name_of(self.model), template=self.template)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the component that `to_dict` tells of."""
        return default_from_dict(cls, data)

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        """Return `documents` with `sparse_embedding`; `TypeError` for what are no documents."""
        if not isinstance(documents, list) or not all(isinstance(d, Document) for d in documents):
            raise TypeError(
                "SplareDocumentEmbedder takes a list of documents: for a text there is "
                "SplareTextEmbedder"
            )
        encoder = encoder_of(self.model)
        texts = [encoded_text(document.to_dict(), self._fields) for document in documents]
        impacts = encoder.encode_documents(texts)
        embedded = [
            replace(document, sparse_embedding=embedding_of(impacts, row, encoder, text))
            for row, (document, text) in enumerate(zip(documents, texts, strict=True))
        ]
        return {"documents": embedded}

    @component.output_types(documents=list[Document])
    async def run_async(self, documents: list[Document]) -> dict[str, list[Document]]:
        """Return what `run` does, and leave the event loop alone meanwhile."""
        return await asyncio.to_thread(self.run, documents)
