"""The impacts field of a store's index: what documents put there, and the query that scores it."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Any

import orjson
from haystack import Document
from haystack.dataclasses import SparseEmbedding
from opensearchpy import OpenSearch

from ...documents.document import encoded_text
from ...documents.fields import SUFFIX, Fields
from ...encoder import Encoder, GivesWholeQueries
from ...layout.aliases import write_index
from ...layout.cut import DocumentCut
from ...layout.field import FieldImpacts, impacts_object
from ...layout.mapping import ensure_index
from ...layout.records import FieldRecord, FoundImpacts
from ...layout.view import PLAIN
from ...scoring import Scoring
from ...search.query.clause_limit import ClauseLimit
from ...search.query.cut import NO_CUT
from ...search.query.query import Dsl, translate
from ...search.weigh.check import ModelCheck
from ...search.weigh.collection import Collection
from ...search.weigh.queries import Queries
from ...search.weigh.weighing import weighing
from .embedding import ModelEmbedding, impacts_of, text_digest


class SparseField:
    """The field of one index, of one client and one encoder; threads may share it.

    `cut` and `scoring` are what the field is made for if it is not there, and `create` says that
    it may be made. That the impacts in it are of the encoder's model is asked as `SplareOpenSearch`
    does.
    """

    def __init__(  # noqa: PLR0913  # each is another thing, by keyword where optional
        self,
        client: OpenSearch,
        index: str,
        encoder: Encoder,
        fields: Fields,
        *,
        cut: DocumentCut,
        scoring: Scoring | None,
        create: bool,
    ) -> None:
        self.client, self.encoder = client, encoder
        self._index, self._fields = index, fields
        self._wanted: dict[str, Any] = {"cut": cut, "scoring": scoring}
        self._scoring: Scoring = scoring or "calibrated"
        self._is_made, self._making = not create, Lock()
        self._check, self._limit = ModelCheck(client), ClauseLimit(client)
        self._collection = Collection(client)

    def make(self) -> None:
        """Give the index the field, unless it has it, or none is to be made."""
        with self._making:
            if not self._is_made:
                ensure_index(self.client, self._index, self.encoder, self._fields, **self._wanted)
                self._is_made = True

    def parts(self, documents: Sequence[Document]) -> list[dict[str, object]]:
        """Return what each document's `_source` has beside Haystack's: impacts, if it has any.

        `ModelMismatchError` for embeddings, or an index, of another model; `ValueError` for those
        of another text than the document's, and for what no impacts can be.
        """
        self.make()
        found = self._found()
        target = write_index(self.client, self._index)
        return [self._part(document, found.name, found.records[target]) for document in documents]

    def query(self, embedding: SparseEmbedding, filter: Dsl | None) -> Dsl:  # noqa: A002
        """Return the query that scores documents by a query's embedding, as a clause of ours does.

        Only documents that `filter` matches are found.
        """
        found, encoder = self._found(), self.encoder
        impacts = impacts_of(embedding, encoder, "query")
        top_k = encoder.query_top_k if isinstance(encoder, GivesWholeQueries) else None
        known = partial(self._collection.known, found.records, found.name, encoder)
        weigh = weighing(found.records, self._scoring, known)
        weights = weigh.weights(Queries(impacts, top_k))
        cut = self._limit.cut(NO_CUT, weights)
        return translate(weights, f"{found.name}.impacts", k1=weigh.k1, cut=cut, filter=filter)

    def _found(self) -> FoundImpacts:
        return self._check(self._index, {}, self._fields, self.encoder, PLAIN)

    def _part(self, document: Document, field: str, record: FieldRecord) -> dict[str, object]:
        embedding = document.sparse_embedding
        if embedding is None:
            return {}
        whose = f"document {document.id!r}"
        text = encoded_text(document.to_dict(), record.document_fields)
        _refuse_other_text(embedding, text, whose, record)
        impacts = record.cut.of(impacts_of(embedding, self.encoder, whose))
        if not impacts.nnz:
            return {field: {"count": 0, "digest": record.digest(text)}}
        made = impacts_object(FieldImpacts.of(impacts, record.saturation), 0)
        whole = orjson.dumps(
            made | {"digest": record.digest(text)}, option=orjson.OPT_SERIALIZE_NUMPY
        )
        return {field: orjson.loads(whole)}  # numbers as the worker writes them


def refuse_reserved(document: Document) -> None:
    """Raise `ValueError` for metadata that would stand where impacts do."""
    names = [name for name in _names(document.meta) if name.endswith(SUFFIX)]
    if names:
        raise ValueError(
            f"document {document.id!r}: its meta has {names[0]!r}, and names that end in "
            f"{SUFFIX!r} are fields of impacts: name it otherwise"
        )


def _names(found: object) -> Iterator[str]:
    """Yield the names of what is in an object, however deep: all of them are left out of hits."""
    if isinstance(found, Mapping):
        yield from map(str, found)
    if isinstance(found, Mapping | list | tuple):
        for one in found.values() if isinstance(found, Mapping) else found:
            yield from _names(one)


def refuse_update(meta: Mapping[str, object], fields: Fields) -> None:
    """Raise `ValueError` for an update after which impacts would be of another text, or gone."""
    made_of = {name.partition(".")[0] for name in fields.text_fields}
    names = [name for name in meta if name.partition(".")[0] in made_of or name.endswith(SUFFIX)]
    if names:
        raise ValueError(
            f"an update of {names[0]!r}: impacts are made of {', '.join(fields.text_fields)}, and "
            "would stay those of before. Embed the documents anew, and write them"
        )


def _refuse_other_text(
    embedding: SparseEmbedding, text: str, whose: str, record: FieldRecord
) -> None:
    if not isinstance(embedding, ModelEmbedding) or embedding.text == text_digest(text):
        return
    raise ValueError(
        f"{whose}: its sparse embedding was made of another text than the index encodes "
        f"(fields {', '.join(record.text_fields)}, template {record.template!r}). Give embedder "
        "and store the same template, and change no text between them"
    )
