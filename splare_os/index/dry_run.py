"""A job without its cluster: what its documents are, and what it would take; nothing is written."""

import time
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from ..documents.document import Document
from ..documents.sources import find_sources, read_documents
from ..encoder import Encoder
from ..layout.cut import DocumentCut, default_top_k
from .chunk import impacts_of
from .first_look import look_first
from .job import IngestOptions
from .ledger import id_key

BYTES_AN_IMPACT = 15.0
"""Of an index, for an impact in `_source`, in its postings and among the heaviest."""

TEXT_SHARE = 1.2
"""Bytes of an index for a byte of a document: its `_source`, and postings of title and text."""

SAMPLE = 512
SHOWN_REASONS = 5


@dataclass(frozen=True)
class DryRun:
    """What a job would do: outcomes that its documents tell, and estimates from a sample.

    `dead_reasons` are the most frequent ones, with how often each comes; `replaced` are lines whose
    id stood on an earlier one. `encode_s` is the time to encode all texts here, `index_bytes` the
    size of the index on disk, without replicas. None: there was no text to tell from.
    """

    documents: int
    empty: int
    replaced: int
    dead: int
    dead_reasons: Mapping[str, int]
    source_bytes: int
    sample: int
    impacts: float | None
    encoded_per_s: float | None
    encode_s: float | None
    index_bytes: int | None


class _Seen:
    """Counts documents as they are read, and draws a sample of those with a text."""

    def __init__(self) -> None:
        self.documents = self.empty = self.texts = self.n_bytes = 0
        self.reasons: Counter[str] = Counter()
        self.keys = array("q")
        self.sample: list[Document] = []
        self._random = Random(0)

    def add(self, document: Document) -> None:
        self.documents += 1
        if document.reason:
            self.reasons[_kind(document.reason)] += 1
            return
        self.n_bytes += len(document.raw)
        self.keys.append(id_key(str(document.id)))
        if not document.text:
            self.empty += 1
            return
        self.texts += 1
        if len(self.sample) < SAMPLE:
            self.sample.append(document)
        elif (at := self._random.randrange(self.texts)) < SAMPLE:
            self.sample[at] = document

    @property
    def replaced(self) -> int:
        return len(self.keys) - len(np.unique(np.frombuffer(self.keys, np.int64)))


def dry_run(encoder: Encoder, sources: Sequence[str], options: IngestOptions) -> DryRun:
    """Return what a job over `sources` would do; all of them are read, a sample is encoded.

    `ValueError` and `JobError` as of `ingest`. No cluster is asked: what a mapping refuses, or an
    index holds already, is not known.
    """
    options.cut.check(encoder)
    seen, files = _Seen(), find_sources(sources)
    look_first(files, options.fields, is_new=True)
    for source in files:
        for document in read_documents(source, options.fields):
            seen.add(document)
    return _told(seen, encoder, options.cut.over(DocumentCut(default_top_k(encoder))))


def _told(seen: _Seen, encoder: Encoder, cut: DocumentCut) -> DryRun:
    replaced, dead = seen.replaced if seen.keys else 0, sum(seen.reasons.values())
    counts = (seen.documents, seen.empty, replaced, dead)
    told = (dict(seen.reasons.most_common(SHOWN_REASONS)), seen.n_bytes, len(seen.sample))
    if not seen.sample:
        return DryRun(*counts, *told, None, None, None, None)
    impacts_of(seen.sample[:8], encoder, cut)  # the first batch pays for what is made once
    begun = time.perf_counter()
    impacts, _ = impacts_of(seen.sample, encoder, cut)
    per_s = len(seen.sample) / max(time.perf_counter() - begun, 1e-9)
    each = impacts.nnz / len(seen.sample)
    kept = 1 - replaced / max(1, seen.documents - dead)
    size = kept * (TEXT_SHARE * seen.n_bytes + BYTES_AN_IMPACT * each * seen.texts)
    return DryRun(
        *counts, *told, round(each, 1), round(per_s, 1), round(seen.texts / per_s, 1), round(size)
    )


def _kind(reason: str) -> str:
    """Return a reason without what is of one document alone: all behind a colon."""
    return reason.partition(":")[0]
