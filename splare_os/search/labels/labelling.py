"""Labels made of the user's own index: what its documents say where a latent is heavy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from opensearchpy import OpenSearch

from ...documents.document import encoded_text
from ...documents.fields import Fields
from ...encoder import Encoder
from ...errors import MappingError
from ...index.counting import TIMEOUT_S, count_statistics
from ...layout.labels import INDEX, Example, Label, ensure_labels, keep_labels, kept_labels
from ...layout.records import find_impacts
from ...reply import part, replies_of, require_whole, rows
from ...statistics import Statistics
from ..hits.hits import only_text_field
from ..hits.reading import Reader
from ..query.query import Dsl
from .held_out import HeldOut, hold_out
from .triggers import Document, Evidence, Witness
from .vocabulary import Vocabulary

BATCH = 64
"""Latents labelled at a time: searched for in one request, and scored against one another."""

LABEL_WORDS, TRIGGERS = 4, 2
"""Words of a label, and how many of them at most are trigger words; docs/labels.md tells why."""

HEAVIEST = 100
"""Documents of a shard whose characteristic words are looked for."""

EXAMPLES = 3


@dataclass(frozen=True)
class LabelOptions:
    """Which latents are labelled, and by what.

    `text_field` as in a search. `latents`: these alone; None: all that `min_documents` documents
    show, the most frequent first, and of them the first `most`. `documents`: the heaviest ones,
    whose words are looked at. `anew`: also those that have a label of this index already.
    """

    text_field: str | None = None
    latents: tuple[int, ...] | None = None
    min_documents: int = 3
    most: int | None = None
    documents: int = 8
    anew: bool = False
    label_index: str = INDEX

    def __post_init__(self) -> None:
        """Refuse counts below 1."""
        for name in ("min_documents", "most", "documents"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}={value}: give at least 1")


class LabelRun:
    """Labels latents batch by batch, each batch kept before the next is begun.

    `todo` are the latents that are left to do, `n_done_before` have had a label of this index. A
    run that was stopped goes on where it was, with the same call.
    """

    def __init__(
        self, client: OpenSearch, encoder: Encoder, index: str, options: LabelOptions
    ) -> None:
        field = options.text_field or only_text_field(client, index)
        there = find_impacts(client, index, Fields(field, None), encoder)
        self.reader = Reader(client, encoder, index, there)
        self.options, self.field = options, field
        counted = count_statistics(client, index, there.name, encoder.n_latents)
        self.counts = counted.document_frequency.astype(np.int64)
        wanted = _wanted(counted, options)
        ensure_labels(client, options.label_index)
        done = set() if options.anew else self._labelled(wanted)
        self.todo = [latent for latent in wanted if latent not in done]
        self.n_done_before = len(done)
        self._documents = round(counted.documents)

    def __iter__(self) -> Iterator[tuple[int, list[Label]]]:
        """Yield how many latents each batch had, and their labels once they are kept.

        Latents that held-out documents alone show have none.
        """
        reader, options = self.reader, self.options
        vocabulary = Vocabulary(reader.client, next(iter(reader.there.records)), self.field)
        held_out = hold_out(reader, vocabulary, self._documents)
        evidence = Evidence(reader.encoder, vocabulary)
        for first in range(0, len(self.todo), BATCH):
            latents = self.todo[first : first + BATCH]
            witnesses = self._witnesses(latents, held_out)
            evidence.look_at(document for each in witnesses for document in each.documents)
            labels = held_out.scored([self._label(each, evidence) for each in witnesses])
            keep_labels(reader.client, reader.encoder, labels, options.label_index)
            yield len(latents), labels
        reader.client.indices.refresh(index=options.label_index)

    @property
    def source(self) -> str:
        """What the labels tell that they were made of."""
        return f"index {self.reader.index}, {self.field}"

    def _labelled(self, wanted: Sequence[int]) -> set[int]:
        """Return those of latents that have a label of this index."""
        done: set[int] = set()
        reader, index = self.reader, self.options.label_index
        for first in range(0, len(wanted), 1000):
            some = wanted[first : first + 1000]
            kept = kept_labels(reader.client, reader.encoder, some, index).values()
            done |= {label.latent for label in kept if label.source == self.source}
        return done

    def _witnesses(self, latents: Sequence[int], held_out: HeldOut) -> list[Witness]:
        """Return for each latent that other documents show what these say, in one request."""
        lines: list[Dsl] = []
        for latent in latents:
            lines += [{"index": self.reader.index}, self._search(latent, held_out)]
        patient = {"request_timeout": TIMEOUT_S}
        reply = self.reader.client.msearch(body=lines, params=patient)
        replies = replies_of(reply, len(latents))
        found = []
        for latent, reply in zip(latents, replies, strict=True):
            if "error" in reply:
                raise MappingError(
                    f"index {self.reader.index!r}: characteristic words of {self.field!r} cannot "
                    f"be asked for: {reply['error']}. It has to be an indexed field of type text"
                )
            require_whole(reply, self.reader.index)
            if hits := rows(reply, "hits", "hits"):
                buckets = rows(reply, "aggregations", "heavy", "words", "buckets")
                terms = tuple(str(part(bucket, "key")) for bucket in buckets)
                found.append(Witness(latent, terms, tuple(map(self._document, hits))))
        return found

    def _search(self, latent: int, held_out: HeldOut) -> Dsl:
        name = self.reader.there.name
        shows = {"rank_feature": {"field": f"{name}.impacts.{latent}", "linear": {}}}
        words = {
            "significant_text": {
                "field": self.field,
                "size": 2 * LABEL_WORDS,
                "min_doc_count": 2,
                "shard_min_doc_count": 2,  # only these are looked up in the whole index
                "filter_duplicate_text": True,
            }
        }
        texts = {text for each in self.reader.there.records.values() for text in each.text_fields}
        return {
            "size": self.options.documents,
            "track_total_hits": False,
            "_source": sorted(texts),
            "query": {"bool": {"must": [shows], "filter": [held_out.others]}},
            "aggs": {"heavy": {"sampler": {"shard_size": HEAVIEST}, "aggs": {"words": words}}},
        }

    def _document(self, hit: Mapping[str, Any]) -> Document:
        fields = self.reader.there.records[hit["_index"]].document_fields
        return Document(hit["_index"], hit["_id"], encoded_text(part(hit, "_source"), fields))

    def _label(self, witness: Witness, evidence: Evidence) -> Label:
        words, triggers, excerpts = evidence.of(witness)
        examples = [Example(doc.id, text) for doc, text in excerpts[:EXAMPLES]]
        chosen = evidence.distinct([*evidence.distinct(triggers)[:TRIGGERS], *words, *triggers])
        return Label(
            witness.latent,
            ", ".join(chosen[:LABEL_WORDS]),
            self.source,
            words=words,
            trigger_words=triggers,
            examples=tuple(examples),
            document_frequency=int(self.counts[witness.latent]),
        )


def _wanted(counted: Statistics, options: LabelOptions) -> list[int]:
    """Return the latents to be labelled, the most frequent first."""
    counts = counted.document_frequency
    if options.latents is not None:
        for latent in options.latents:
            if not 0 <= latent < len(counts):
                raise ValueError(f"latent {latent}: the model has latents 0 to {len(counts) - 1}")
        return [latent for latent in options.latents if counts[latent]]
    order = np.lexsort((np.arange(len(counts)), -counts))
    wanted = [int(latent) for latent in order if counts[latent] >= options.min_documents]
    return wanted[: options.most]
