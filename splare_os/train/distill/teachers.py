"""Teachers: what knows how well a document answers a query, for any two texts of a training set.

bm25          lexical, computed over each source's own documents
a bi-encoder  a sentence-transformers folder or hub id
a file        the scores of the rows themselves; a cross-encoder's are computed once, likewise
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import block_diag, csc_array, csr_array
from scipy.special import softmax
from torch.nn.functional import normalize

from ...encode.backbone.precision import best_dtype
from ...encode.unreadable import UNREADABLE
from ...errors import EncoderError, TrainingError
from .batches import Vectors
from .losses import Places, Scores, Teacher
from .pairs import Pairs, TrainingSet

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MAX_SCALE = 100.0
LEAST_SPREAD = 1e-9
"""Of a teacher's scores of the documents of a batch: below this it says nothing of them."""
KEPT_TEXTS = 4096
"""Texts whose vectors are kept at once: a training that is stopped embeds no more of them anew."""


@dataclass(frozen=True)
class Embedded:
    """A bi-encoder as a teacher: cosines of unit vectors of queries and documents [text, state]."""

    queries: Vectors
    documents: Vectors

    def __call__(self, queries: Places, documents: Places) -> Scores:
        """Return cosines [query, document]."""
        cosines: Scores = self.queries[queries] @ self.documents[documents].T
        return cosines


@dataclass(frozen=True)
class Lexical:
    """BM25 as a teacher: term counts [query, term] and term scores [document, term]."""

    queries: csr_array
    documents: csr_array

    def __call__(self, queries: Places, documents: Places) -> Scores:
        """Return BM25 scores [query, document]."""
        scores: Scores = (self.queries[queries] @ self.documents[documents].T).toarray()
        return scores


@dataclass(frozen=True)
class Listed:
    """Scores of the rows' own documents, by (query, document); all others are unknown."""

    scores: dict[tuple[int, int], float]

    @classmethod
    def of(cls, data: TrainingSet) -> Listed:
        """Return the scores that the rows bring along."""
        return cls(
            {
                (row.query, document): score
                for row in data.rows
                for document, score in zip(
                    (row.positive, *row.negatives) if row.scores else (), row.scores, strict=True
                )
            }
        )

    def __call__(self, queries: Places, documents: Places) -> Scores:
        """Return scores [query, document], NaN where there is none."""
        found = [
            [self.scores.get((query, document), np.nan) for document in documents.tolist()]
            for query in queries.tolist()
        ]
        return np.array(found, dtype=np.float32)


@dataclass(frozen=True)
class Blend:
    """Several teachers as one: the sum of their scores, each times its scale for the source.

    `scales` is [source, teacher]; `first_queries` are the places where sources begin.
    """

    teachers: tuple[Teacher, ...]
    scales: Vectors
    first_queries: Places

    def __call__(self, queries: Places, documents: Places) -> Scores:
        """Return blended scores [query, document]; queries and documents are of one source."""
        source = int(np.searchsorted(self.first_queries, queries[0], side="right")) - 1
        return sum(
            (
                scale * teacher(queries, documents)
                for scale, teacher in zip(self.scales[source], self.teachers, strict=True)
            ),
            start=np.zeros((len(queries), len(documents)), dtype=np.float32),
        )


def lexical(data: TrainingSet) -> Lexical:
    """Return BM25 (Lucene's, k1 1.2, b 0.75) with English stemming and stop words, by bm25s."""
    parts = [_lexical_of(pairs) for pairs in data.sources]
    queries, documents = (block_diag(blocks, format="csr") for blocks in zip(*parts, strict=True))
    return Lexical(csr_array(queries), csr_array(documents))


def embedded(
    data: TrainingSet, name: str, *, folder: Path, device: str, max_tokens: int | None = None
) -> Embedded:
    """Return the bi-encoder `name` as a teacher; its vectors are kept in `folder`.

    Only texts that rows refer to are embedded; the vectors of others are zeros. It reads
    `max_tokens` of a text at most: what its student does not see, it need not know.
    """
    asked = sorted({row.query for row in data.rows})
    found = sorted({place for row in data.rows for place in (row.positive, *row.negatives)})
    model = cache(lambda: _opened(name, device, max_tokens))  # once, if vectors are not there
    by = partial(_vectors, name, model, folder, max_tokens=max_tokens)
    return Embedded(
        by(data.queries, asked, is_query=True), by(data.documents, found, is_query=False)
    )


def calibrated(teachers: Sequence[Teacher], data: TrainingSet, batches: Iterable[Places]) -> Blend:
    """Return a blend whose softmax best predicts, in each source, which documents are relevant.

    Scales ≥ 0 maximise the likelihood of the relevant documents of a batch of rows (convex).
    """
    by_source: dict[int, list[tuple[NDArray[np.float64], NDArray[np.bool_]]]] = {}
    first_rows = np.array([start[2] for start in data.starts[:-1]])
    for places in batches:
        rows = [data.rows[place] for place in places]
        queries = np.array([row.query for row in rows])
        documents = np.unique([row.positive for row in rows])
        scores = np.stack([teacher(queries, documents) for teacher in teachers])
        relevant = np.array([[d in data.relevant[q] for d in documents] for q in queries])
        source = int(np.searchsorted(first_rows, places[0], side="right")) - 1
        by_source.setdefault(source, []).append((scores.astype(np.float64), relevant))
    scales = np.zeros((len(data.sources), len(teachers)), dtype=np.float32)
    for source, seen in by_source.items():
        scales[source] = _fit(seen, len(teachers))
    missing = [source for source in range(len(scales)) if source not in by_source]
    scales[missing] = _fit([one for seen in by_source.values() for one in seen], len(teachers))
    first_queries = np.array([start[0] for start in data.starts[:-1]])
    return Blend(tuple(teachers), scales, first_queries)


def _fit(
    seen: Sequence[tuple[NDArray[np.float64], NDArray[np.bool_]]], n_teachers: int
) -> NDArray[np.float64]:
    def loss(scales: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total, slope, n_queries = 0.0, np.zeros(n_teachers), 0
        for scores, relevant in seen:
            blended = np.tensordot(scales, scores, axes=1)
            found = np.where(relevant, blended, -np.inf)
            shares, aims = softmax(blended, axis=1), softmax(found, axis=1)
            total -= float(np.log(np.where(relevant, shares, 0).sum(axis=1) + 1e-12).sum())
            slope += ((shares - aims) * scores).sum(axis=(1, 2))
            n_queries += len(relevant)
        return total / n_queries, slope / n_queries

    spread = np.array([np.mean([scores[t].std() for scores, _ in seen]) for t in range(n_teachers)])
    # who tells no document from another here is not to decide alone where he once does
    first = np.where(spread > LEAST_SPREAD, 1 / np.maximum(spread, LEAST_SPREAD), 0)
    bounds = [(0, MAX_SCALE * scale) for scale in first]
    found = minimize(loss, first, jac=True, bounds=bounds, method="L-BFGS-B")
    fitted: NDArray[np.float64] = found.x
    return fitted


def _lexical_of(pairs: Pairs) -> tuple[csr_array, csr_array]:
    import bm25s
    import Stemmer

    logging.getLogger("bm25s").setLevel(logging.WARNING)  # it logs every index on stderr
    stemmer = Stemmer.Stemmer("english")
    corpus = bm25s.tokenize(pairs.documents, stopwords="en", stemmer=stemmer, show_progress=False)
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    index.index(corpus, show_progress=False)
    stored = index.scores
    shape = len(pairs.documents), len(stored["indptr"]) - 1
    documents = csc_array((stored["data"], stored["indices"], stored["indptr"]), shape=shape)
    # bm25s numbers terms by their hashes, which are others in every process, and so are sums
    vocabulary = sorted(term for term, place in index.vocab_dict.items() if place < shape[1])
    documents = documents[:, [index.vocab_dict[term] for term in vocabulary]]
    places = {term: place for place, term in enumerate(vocabulary)}
    asked = bm25s.tokenize(
        pairs.queries, stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False
    )
    known = [[places[term] for term in terms if term in places] for terms in asked]
    starts = np.cumsum([0, *map(len, known)])
    terms = np.array([term for query in known for term in query], dtype=np.int64)
    counts = csr_array(
        (np.ones(len(terms), dtype=np.float32), terms, starts), shape=(len(known), len(vocabulary))
    )
    counts.sum_duplicates()
    return counts, documents.tocsr()


def _vectors(
    name: str,
    model: Callable[[], SentenceTransformer],
    folder: Path,
    texts: Sequence[str],
    wanted: Sequence[int],
    *,
    max_tokens: int | None,
    is_query: bool,
) -> Vectors:
    kind, chosen = "query" if is_query else "document", [texts[place] for place in wanted]
    key = sha256("\0".join([name, str(max_tokens), kind, *chosen]).encode()).hexdigest()[:16]
    parts = []
    for start in range(0, len(chosen), KEPT_TEXTS):
        path = folder / f"vectors-{key}-{start}.npy"
        if not path.is_file():
            encode = model().encode_query if is_query else model().encode_document
            part = chosen[start : start + KEPT_TEXTS]
            encoded = encode(part, show_progress_bar=False, convert_to_tensor=True).float()
            found = normalize(encoded).half().cpu().numpy()
            if not np.isfinite(found).all():  # a score that is none would count as unknown
                raise TrainingError(
                    f"teacher {name} gives vectors that are no numbers: name another"
                )
            keep(path, found)
        parts.append(np.load(path))
    whole = np.concatenate(parts).astype(np.float32)
    vectors: Vectors = np.zeros((len(texts), whole.shape[1]), dtype=np.float32)
    vectors[list(wanted)] = whole
    return vectors


def keep(path: Path, numbers: NDArray[np.floating]) -> None:
    """Write an array to `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, numbers)
    partial.replace(path)


def _opened(name: str, device: str, max_tokens: int | None) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(name, device=device).to(best_dtype(device))
    except UNREADABLE as error:
        raise EncoderError(f"the teacher {name!r} cannot be loaded: {error}") from error
    if max_tokens is not None:
        model.max_seq_length = min(max_tokens, model.max_seq_length or max_tokens)
    return model
