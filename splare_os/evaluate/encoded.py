"""A corpus and its impacts, encoded once: in memory chunk by chunk, and for the worker."""

import logging
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache, partial
from hashlib import sha256
from itertools import groupby

import numpy as np
from scipy.sparse import csr_array

from ..documents.template import TEMPLATE
from ..encoder import Encoder, GivesWholeQueries, Spans, own_prior, own_top_k, precision
from ..errors import EvaluationError
from ..impacts import Impacts, empty, prune, stack
from ..index.chunk import Failures
from ..index.chunk import encode as encode_checked
from ..layout import MAX_TOP_K, DocumentCut
from ..statistics import Statistics
from .datasets import DataSet, read_corpus
from .msearch import batched
from .store import CHUNK_DOCUMENTS, Arrays, Store

log = logging.getLogger(__name__)


def own_cut(encoder: Encoder, kind: str) -> str:
    """Return how many impacts an encoder itself keeps of a `document` or a `query`, if it tells.

    A fingerprint leaves that out: fields of both cuts may be searched by the same queries.
    """
    if kind == "document":
        return str(own_top_k(encoder) or "")
    return str(encoder.query_top_k) if isinstance(encoder, GivesWholeQueries) else ""


def made_by(encoder: Encoder) -> tuple[str, str, str]:
    """Return what documents' impacts depend on in an encoder: fingerprint, precision, own cut."""
    return encoder.fingerprint, precision(encoder), own_cut(encoder, "document")


def store_key(encoder: Encoder, data: DataSet) -> tuple[str, ...]:
    """Return what the impacts of a corpus depend on."""
    return ("impacts", *made_by(encoder), TEMPLATE, data.fingerprint, str(CHUNK_DOCUMENTS))


class EncodedCorpus:
    """The impacts of a data set's documents, in the order of its corpus.

    A text that the encoder cannot encode has none: `n_failed` counts them, a warning too.
    """

    def __init__(self, encoder: Encoder, data: DataSet, store: Store) -> None:
        self.encoder, self.data, self.store = encoder, data, store
        self.n_chunks = -(-data.documents // CHUNK_DOCUMENTS)
        self._chunk = lru_cache(maxsize=2)(self._load)  # the worker reads them in order

    def chunks(self) -> Iterator[Impacts]:
        """Yield the impacts of `CHUNK_DOCUMENTS` documents at a time."""
        self._encode_missing()
        return (self._load(number) for number in range(self.n_chunks))

    @cached_property
    def n_failed(self) -> int:
        """Number of documents that the encoder could not encode."""
        self._encode_missing()
        numbers = range(self.n_chunks)
        counts = [int(self.store.chunk(number, self._lost)["failed"]) for number in numbers]
        return sum(counts)

    def statistics(self, top_k: int) -> Statistics:
        """Return the statistics of the documents, each cut to its `top_k` heaviest impacts."""
        parts = (Statistics.of(prune(part, top_k)) for part in self.chunks())
        return sum(parts, Statistics.none(self.encoder.n_latents))

    def rows(self, texts: Sequence[str]) -> Impacts:
        """Return the impacts of texts of the corpus; `EvaluationError` for any other text."""
        try:
            numbers = [self._numbers[_digest(text)] for text in texts]
        except KeyError:
            raise EvaluationError(
                f"{self.data.corpus} changed while it was evaluated: run the same command again"
            ) from None
        parts = [empty(0, self.encoder.n_latents)]
        for chunk, group in groupby(numbers, key=lambda number: number // CHUNK_DOCUMENTS):
            parts.append(self._chunk(chunk)[[number % CHUNK_DOCUMENTS for number in group]])
        return stack(parts)

    @cached_property
    def _numbers(self) -> dict[bytes, int]:
        """A text's digest to the place of its document; of equal texts any will do."""
        self._encode_missing()
        documents = read_corpus(self.data.corpus)
        return {_digest(document.text): place for place, document in enumerate(documents)}

    def _encode_missing(self) -> None:
        if all(self.store.holds(number) for number in range(self.n_chunks)):
            return
        for number, documents in enumerate(batched(read_corpus(self.data.corpus), CHUNK_DOCUMENTS)):
            if not self.store.holds(number):
                texts = [document.text for document in documents]
                self.store.chunk(number, partial(self._encoded, texts))
                done = number * CHUNK_DOCUMENTS + len(texts)
                log.info("encode dataset=%s model=%s documents=%d", *self._names, done)

    @property
    def _names(self) -> tuple[str, str]:
        return self.data.name, self.encoder.name

    def _encoded(self, texts: list[str]) -> Arrays:
        impacts, failures = encode_texts(self.encoder, texts)
        if failures:
            log.warning(
                "dataset=%s model=%s cannot encode %d texts, so figures are too low; the first: %s",
                *self._names,
                len(failures),
                next(iter(failures.values())),
            )
        parts = {"data": impacts.data, "indices": impacts.indices, "indptr": impacts.indptr}
        return parts | {"failed": np.asarray(len(failures))}

    def _load(self, number: int) -> Impacts:
        arrays = self.store.chunk(number, self._lost)
        parts = arrays["data"], arrays["indices"], arrays["indptr"]
        shape = len(arrays["indptr"]) - 1, self.encoder.n_latents
        return csr_array(parts, shape=shape)

    def _lost(self) -> Arrays:
        raise EvaluationError(
            f"files vanished from {self.store.folder} while they were read: run the same command "
            "again"
        )


class LookUpEncoder:
    """An encoder whose documents are looked up in an encoded corpus: for the ordinary worker."""

    def __init__(self, corpus: EncodedCorpus) -> None:
        self.corpus, self.encoder = corpus, corpus.encoder
        self.name, self.fingerprint = self.encoder.name, self.encoder.fingerprint
        self.n_latents, self.dtype = self.encoder.n_latents, precision(self.encoder)
        self.document_top_k = own_top_k(self.encoder)
        self.prior = own_prior(self.encoder)

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of documents of the corpus."""
        return self.corpus.rows(texts)

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of queries, encoded."""
        return self.encoder.encode_queries(texts)

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        """Return the encoder's spans."""
        return self.encoder.spans(texts, query=query)


def encode_texts(encoder: Encoder, texts: Sequence[str]) -> tuple[Impacts, Failures]:
    """Return impacts as the worker stores them, none of empty and of failed texts, and reasons."""
    places = [place for place, text in enumerate(texts) if text]
    found, failures = encode_checked(encoder, [texts[p] for p in places], DocumentCut(MAX_TOP_K))
    found = _without(found, failures)
    lengths = np.zeros(len(texts) + 1, dtype=np.int64)
    lengths[np.asarray(places, dtype=np.int64) + 1] = np.diff(found.indptr)
    parts = found.data, found.indices, np.cumsum(lengths)
    impacts = csr_array(parts, shape=(len(texts), encoder.n_latents))
    return impacts, {places[row]: reason for row, reason in failures.items()}


def _without(impacts: Impacts, failures: Failures) -> Impacts:
    """Return impacts with the rows of `failures` empty."""
    if not failures:
        return impacts
    lengths = np.diff(impacts.indptr)
    failed = np.isin(np.arange(len(lengths)), list(failures))
    kept = ~np.repeat(failed, lengths)
    indptr = np.concatenate([[0], np.cumsum(np.where(failed, 0, lengths))])
    parts = impacts.data[kept], impacts.indices[kept], indptr
    return csr_array(parts, shape=impacts.shape)


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()[:16]
