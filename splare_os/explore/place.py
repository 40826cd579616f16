"""What is explored: one index, one field of it, and the model that made its impacts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from opensearchpy import NotFoundError, OpenSearch
from opensearchpy.exceptions import AuthorizationException

from ..documents.fields import Fields
from ..documents.paths import values_at
from ..encoder import Encoder, Spans
from ..errors import EncoderError, MappingError
from ..impacts import Impacts
from ..layout.labels import Label, kept_labels
from ..layout.records import FieldRecord, FoundImpacts, find_impacts
from ..reply import part
from ..search.explain.explain import word_at
from ..search.hits.hits import Hit, SearchOptions, only_text_field, search
from ..search.steer.control import NO_CONTROL, Control, moved_by
from ..search.steer.example_impacts import ExampleImpacts
from ..search.steer.examples import Examples
from ..search.weigh.collection import Collection
from ..search.weigh.queries import encoded
from ..search.weigh.weighing import Weighing, weighing

MOST_OF_A_TITLE = 300


@dataclass(frozen=True)
class Place:
    """An index, or an alias of one, and the text field whose impacts are explored.

    `client` is of `NotingTransport`; `address` is the cluster's, for people.
    """

    client: OpenSearch
    encoder: Encoder
    index: str
    text_field: str
    address: str
    impacts_field: str | None = None

    @classmethod
    def find(
        cls,
        client: OpenSearch,
        encoder: Encoder,
        index: str,
        *,
        text_field: str | None,
        impacts_field: str | None = None,
        address: str,
    ) -> "Place":
        """Return the place, looked at once.

        `MappingError` for an index without impacts, and for a name that several stand behind;
        `ModelMismatchError` for impacts of another model.
        """
        text = text_field or only_text_field(client, index)
        place = cls(client, encoder, index, text, address, impacts_field)
        place.impacts()
        return place

    def about(self) -> dict[str, object]:
        """Return what is explored, for the head of the page."""
        record = self.record()
        return {
            "index": self.index,
            "text_field": self.text_field,
            "documents": part(self.client.count(index=self.index), "count", kind=int),
            "model": record.model,
            "fingerprint": record.fingerprint,
            "n_latents": record.n_latents,
        }

    def impacts(self) -> FoundImpacts:
        """Return the impacts field as it is now: an alias may have moved, or lead to several."""
        fields = Fields(self.text_field, None, impacts=self.impacts_field)
        found = find_impacts(self.client, self.index, fields, self.encoder)
        names = sorted(found.records)
        if len(names) != 1:
            raise MappingError(
                f"{self.index!r} stands for {', '.join(names)}: explore one index, as the ids of "
                "documents are those of one"
            )
        return found

    def record(self) -> FieldRecord:
        """Return what is known of the impacts field."""
        return next(iter(self.impacts().records.values()))

    @cached_property
    def _collection(self) -> Collection:
        return Collection(self.client)

    def search(self, query: str, options: SearchOptions) -> list[Hit]:
        """Return the best hits of a query, as `splare_os.search.search` finds them here."""
        options = replace(options, text_field=self.text_field, impacts_field=self.impacts_field)
        known = self._collection
        return search(self.client, self.encoder, self.index, query, options, collection=known)

    def weighing(self, there: FoundImpacts) -> Weighing:
        """Return how queries weigh latents here; raises as `find_impacts` does."""
        known = self._collection.known
        statistics = partial(known, there.records, there.name, self.encoder)
        return weighing(there.records, "calibrated", statistics)

    def control(self, there: FoundImpacts, examples: Examples) -> Control:
        """Return what moves a query by documents of this index."""
        if not examples:
            return NO_CONTROL
        read = ExampleImpacts(self.client, self.encoder, lambda _: there, {})
        return Control(None, moved_by(examples, self.weighing(there), read))

    def query_weights(self, query: str, examples: Examples) -> Impacts:
        """Return the weights [1, latent] of a query as it scores here, before it is steered."""
        there = self.impacts()
        control = self.control(there, examples)
        return control.weights(self.weighing(there), encoded(self.encoder, [query]))

    def labels(self, latents: Iterable[int]) -> dict[int, Label]:
        """Return the labels that there are; none where nobody has made any, or may read them."""
        try:
            return kept_labels(self.client, self.encoder, latents)
        except (NotFoundError, AuthorizationException):
            return {}

    def words(self, text: str, *, query: bool = False) -> dict[int, str]:
        """Return for each latent of a text the word that it came from, if the model tells."""
        found = self.spans(text, query=query)
        return {latent: word_at(text, *span) for latent, span in found.items()}

    def spans(self, text: str, *, query: bool = False) -> Spans:
        """Return where the latents of a text come from; nothing for a model that does not tell."""
        try:
            return self.encoder.spans([text], query=query)[0] if text else {}
        except EncoderError:
            return {}


def title_of(source: Mapping[str, Any], record: FieldRecord) -> str:
    """Return what of a document is encoded before its text; its beginning, if that is long."""
    return " ".join(joined(source, record.text_fields[:-1]).split())[:MOST_OF_A_TITLE]


def joined(source: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return the strings at some fields of a document."""
    values = (value for name in names for value in values_at(source, name))
    return " ".join(value for value in values if isinstance(value, str))
