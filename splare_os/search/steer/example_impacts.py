"""Impacts of what a query is to be like: a document's from its index, a text's from the encoder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from opensearchpy import OpenSearch

from ...documents.document import encoded_text
from ...encoder import Encoder
from ...errors import NoIndexError, SteeringError
from ...impacts import Impacts, empty, from_features, stack, stored
from ...layout.field import FieldImpacts
from ...layout.records import FieldRecord, FoundImpacts
from ...layout.view import Headers
from ...reply import documents_of, part
from .examples import Example, Reference

Find: TypeAlias = Callable[[str | None], FoundImpacts]
"""The impacts of the field at hand in an index; None: in those that are searched."""

Place: TypeAlias = tuple[str, str]
"""Concrete index and id of a document."""


@dataclass(frozen=True)
class Found:
    """A document as its index has it: where its impacts are, and as what they were made."""

    place: Place
    source: Mapping[str, Any]
    field: str
    record: FieldRecord


class ExampleImpacts:
    """Reads examples for one client and one encoder; documents of a set in one request."""

    def __init__(self, client: OpenSearch, encoder: Encoder, find: Find, headers: Headers) -> None:
        self._client, self._encoder, self._find = client, encoder, find
        self._headers = headers

    def __call__(self, examples: Sequence[Example]) -> tuple[Impacts, list[Place]]:
        """Return impacts [example, latent] as the index keeps them, and where documents are.

        A document without impacts in its `_source` is encoded. `SteeringError` for one that is not
        there, or has no text.
        """
        texts = [one for one in examples if isinstance(one, str)]
        references = [one for one in examples if isinstance(one, Reference)]
        rows = [empty(0, self._encoder.n_latents)]
        if texts:
            record = next(iter(self._find(None).records.values()), None)
            rows.append(self._made(texts, record))
        found = [self._only(one, places) for one, places in self._look_up(references).items()]
        rows += [self._impacts_of(one) for one in found]
        return stack(rows), [one.place for one in found]

    def _look_up(self, references: Sequence[Reference]) -> dict[Reference, list[Found]]:
        """Return each document in every concrete index that has it."""
        asked = [
            (reference, name, there)
            for reference in dict.fromkeys(references)
            for there in [self._there(reference)]
            for name in there.records
        ]
        found: dict[Reference, list[Found]] = {one: [] for one in references}
        if not asked:
            return found
        body = {"docs": [_asked(reference, name) for reference, name, _ in asked]}
        reply = self._client.mget(body=body, headers=dict(self._headers))
        documents = documents_of(reply, len(asked))
        for (reference, name, there), document in zip(asked, documents, strict=True):
            if error := document.get("error"):
                told = error.get("reason", error) if isinstance(error, Mapping) else error
                raise SteeringError(f"document {reference.id!r} of {name!r}: {told}")
            if part(document, "found", kind=bool):
                source, record = document.get("_source", {}), there.records[name]
                found[reference].append(Found((name, reference.id), source, there.name, record))
        return found

    def _there(self, reference: Reference) -> FoundImpacts:
        try:
            return self._find(reference.index)
        except NoIndexError as error:
            if reference.index is None:  # what is searched is not there
                raise
            raise SteeringError(f"document {reference.id!r}: {error}") from error

    @staticmethod
    def _only(reference: Reference, places: Sequence[Found]) -> Found:
        if len(places) == 1:
            return places[0]
        if places:
            names = ", ".join(sorted(one.place[0] for one in places))
            raise ValueError(f"document {reference.id!r} is in {names}: say which by _index")
        where = repr(reference.index) if reference.index else "the indices that are searched"
        raise SteeringError(f"there is no document {reference.id!r} in {where}")

    def _impacts_of(self, found: Found) -> Impacts:
        ours = found.source.get(found.field)
        impacts = ours.get("impacts") if isinstance(ours, Mapping) else None
        if impacts:
            return from_features([impacts], self._encoder.n_latents)
        text = encoded_text(dict(found.source), found.record.document_fields)
        if not text:
            index, name = found.place
            raise SteeringError(f"document {name!r} of {index!r} has no impacts, and no text")
        return self._made([text], found.record)

    def _made(self, texts: Sequence[str], record: FieldRecord | None) -> Impacts:
        """Return impacts as an index with this record would keep them; None: as they are."""
        made = self._encoder.encode_documents(texts)
        if record is not None:
            made = FieldImpacts.of(record.cut.of(made), record.saturation).impacts
        return stored(made)


def _asked(reference: Reference, index: str) -> dict[str, str]:
    asked = {"_index": index, "_id": reference.id}
    return asked if reference.routing is None else asked | {"routing": reference.routing}
