"""Exact search in memory: every document is scored, a chunk at a time, and the best are kept."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import EvaluationError
from ..impacts import Impacts, prune, stored
from ..layout.field import FieldImpacts
from ..scoring import Saturation
from .runs import Hits, Run

BLOCK_QUERIES = 512
"""Queries that are scored against a chunk at once."""

Scores: TypeAlias = NDArray[np.float32]


class Best:
    """The `depth` best documents of each query, while chunks of documents pass by.

    A hit is one 64-bit number, its score above its id's place from behind: comparing numbers
    ranks by score and, among equal ones, by id. Zero is no hit.
    """

    def __init__(self, n_queries: int, ids: Sequence[str], depth: int) -> None:
        self.depth = depth
        self.sorted_ids = sorted(ids)
        places = {name: place for place, name in enumerate(self.sorted_ids)}
        self.places = np.array([places[name] for name in ids], dtype=np.uint64)
        self.keys = np.zeros((n_queries, depth), dtype=np.uint64)

    def add(self, rows: slice, first: int, scores: Scores, *, only_positive: bool) -> None:
        """Take in `scores` [query, document] of the queries `rows` and documents from `first`.

        `EvaluationError` for a score that is no finite number: it would head its ranking.
        """
        if not np.isfinite(scores).all():
            query, document = np.argwhere(~np.isfinite(scores))[0]
            raise EvaluationError(
                f"query {rows.start + query + 1} and document {first + document + 1} have the "
                f"score {scores[query, document]}: the model gives values that are no numbers"
            )
        behind = np.uint64(2**32 - 1) - self.places[first : first + scores.shape[1]]
        keys = (_ordered(scores).astype(np.uint64) << np.uint64(32)) | behind
        if only_positive:
            keys[scores <= 0] = 0
        both = np.concatenate([self.keys[rows], keys], axis=1)
        self.keys[rows] = np.partition(both, both.shape[1] - self.depth, axis=1)[:, -self.depth :]

    def hits(self, query: int) -> Hits:
        """Return the hits of a query, best first."""
        keys = np.sort(self.keys[query])[::-1]
        keys = keys[keys > 0]
        places = np.uint64(2**32 - 1) - (keys & np.uint64(2**32 - 1))
        scores = _score_of((keys >> np.uint64(32)).astype(np.uint32))
        names = (self.sorted_ids[place] for place in places.tolist())
        return dict(zip(names, scores.tolist(), strict=True))


def exact_run(
    queries: Sequence[str],
    ids: Sequence[str],
    parts: Iterable[tuple[int, Callable[[slice], Scores]]],
    *,
    depth: int,
    only_positive: bool,
) -> Run:
    """Return the best `depth` hits of each query.

    `parts` are chunks of documents: how many, and what gives the scores of some queries in them.
    """
    best = Best(len(queries), ids, depth)
    first = 0
    for n_documents, score in parts:
        for start in range(0, len(queries), BLOCK_QUERIES):
            rows = slice(start, start + BLOCK_QUERIES)
            best.add(rows, first, score(rows), only_positive=only_positive)
        first += n_documents
    return {name: best.hits(place) for place, name in enumerate(queries)}


def impacts_run(
    names: Sequence[str],
    queries: Impacts,
    ids: Sequence[str],
    documents: Iterable[Impacts],
    *,
    top_k: int,
    depth: int,
    saturation: Saturation | None = None,
) -> Run:
    """Return the best `depth` hits by dot product with documents as the index keeps them."""
    parts = ((part.shape[0], scorer(queries, part, top_k, saturation)) for part in documents)
    return exact_run(names, ids, parts, depth=depth, only_positive=True)


def scorer(
    queries: Impacts, documents: Impacts, top_k: int, saturation: Saturation | None = None
) -> Callable[[slice], Scores]:
    """Return what gives the scores [query, document] of some queries in these documents."""
    wide = queries.astype(np.float64)
    kept = FieldImpacts.of(prune(documents, top_k), saturation).impacts
    columns = stored(kept).astype(np.float64).T.tocsr()
    return lambda rows: (wide[rows] @ columns).toarray().astype(np.float32)


def _ordered(scores: Scores) -> NDArray[np.uint32]:
    """Return whole numbers that compare as the scores do."""
    bits = (scores + np.float32(0)).view(np.uint32)  # -0.0 becomes 0.0
    sign = np.uint32(2**31)
    return np.where(bits & sign, ~bits, bits | sign)


def _score_of(ordered: NDArray[np.uint32]) -> Scores:
    sign = np.uint32(2**31)
    return np.where(ordered & sign, ordered ^ sign, ~ordered).astype(np.uint32).view(np.float32)
