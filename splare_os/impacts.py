"""Impacts: what every stage hands to the next, a float32 CSR array of shape [text, latent].

An impact is the weight (> 0) of one latent for one text. Rows are texts, columns latents; a
stored entry is an impact, so no entry is ever zero, negative or non-finite.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

Impacts: TypeAlias = csr_array[Any, tuple[int, int]]
Features: TypeAlias = dict[str, float]
"""Latent name (decimal id) to impact: one text's impacts as JSON carries them."""

F = TypeVar("F", float, NDArray[np.float32])


def as_stored(impact: F) -> F:
    """Return `impact` (a number, or an array) as Lucene keeps it: 9 significant bits, truncated.

    `impact` > 0; relative error in [0, 2**-8).
    Source: Lucene `FeatureField` (float32 bits >> 15).

    >>> as_stored(1.2345)
    1.234375
    """
    bits = np.asarray(impact, dtype=np.float32).view(np.uint32)
    stored = ((bits >> np.uint32(15)) << np.uint32(15)).view(np.float32)
    return float(stored) if isinstance(impact, float) else stored


def stored(impacts: Impacts) -> Impacts:
    """Return `impacts` with every value as the index keeps it; scores then equal the cluster's."""
    return csr_array((as_stored(impacts.data), impacts.indices, impacts.indptr), impacts.shape)


def from_triples(
    rows: NDArray[np.integer],
    latents: NDArray[np.integer],
    values: NDArray[np.float32],
    shape: tuple[int, int],
) -> Impacts:
    """Return impacts from parallel arrays of text, latent and value; latents sorted in each row."""
    impacts = csr_array((values.astype(np.float32), (rows, latents)), shape=shape)
    impacts.sort_indices()
    return impacts


def empty(n_texts: int, n_latents: int) -> Impacts:
    """Return impacts of `n_texts` texts that have none."""
    return cast(Impacts, csr_array((n_texts, n_latents), dtype=np.float32))


def stack(rows: Sequence[Impacts]) -> Impacts:
    """Return the rows of several impacts under one another; there must be at least one."""
    stacked: Impacts = csr_array(vstack(rows, format="csr"))
    return stacked


def prune(impacts: Impacts, top_k: int) -> Impacts:
    """Return the `top_k` heaviest impacts of each text; equal impacts keep the lower latent.

    >>> prune(csr_array(np.array([[1.0, 3.0, 2.0]], dtype=np.float32)), 2).toarray().tolist()
    [[0.0, 3.0, 2.0]]
    """
    if top_k < 1:
        raise ValueError(f"top_k={top_k}: keep at least one latent")
    most = min(top_k, impacts.shape[1])
    return _pruned(impacts, np.minimum(np.diff(impacts.indptr), most))


def prune_to_mass(impacts: Impacts, mass: float) -> Impacts:
    """Return each text's heaviest impacts, as many as have the share `mass` of their sum; ≥ 1.

    Equal impacts keep the lower latent; those that are no numbers stay, to be told of.

    >>> rows = csr_array(np.array([[1.0, 6.0, 3.0]], dtype=np.float32))
    >>> prune_to_mass(rows, 0.9).toarray().tolist()
    [[0.0, 6.0, 3.0]]
    """
    counts = np.diff(impacts.indptr)
    for row, (start, end) in enumerate(pairwise(impacts.indptr)):
        together = np.cumsum(np.sort(impacts.data[start:end].astype(np.float64))[::-1])
        if len(together) and np.isfinite(together[-1]):
            counts[row] = min(len(together), np.searchsorted(together, mass * together[-1]) + 1)
    return _pruned(impacts, counts)


def _pruned(impacts: Impacts, counts: NDArray[np.integer]) -> Impacts:
    """Return the heaviest impacts of each text, so many as `counts` [text] tells."""
    lengths = np.diff(impacts.indptr)
    longer = np.flatnonzero(lengths > counts)
    if not len(longer):
        return impacts
    impacts.sort_indices()
    kept = np.ones(impacts.nnz, dtype=bool)
    for row in longer:
        start, end = impacts.indptr[row], impacts.indptr[row + 1]
        kept[start:end] = _heaviest(impacts.data[start:end], int(counts[row]))
    indptr = np.concatenate([[0], np.cumsum(counts)])
    triples = impacts.data[kept], impacts.indices[kept], indptr
    pruned: Impacts = csr_array(triples, shape=impacts.shape)
    return pruned


def _heaviest(values: NDArray[np.float32], top_k: int) -> NDArray[np.bool_]:
    """Return which are the `top_k` largest of more values; of equal ones, the first."""
    smallest = np.partition(values, len(values) - top_k)[len(values) - top_k]
    chosen: NDArray[np.bool_] = np.greater(values, smallest)
    equal = np.flatnonzero(values == smallest)
    chosen[equal[: top_k - np.count_nonzero(chosen)]] = True
    return chosen


def merge(
    impacts: Impacts,
    owners: Sequence[int] | NDArray[np.int64],
    n_texts: int,
    *,
    by: np.ufunc = np.maximum,
) -> Impacts:
    """Return the element-wise maximum, or `by` of another kind, of the rows of the same text.

    `owners[i]` is the text of row i; the result has `n_texts` rows. Max pooling over windows of
    a text equals max pooling over the text, up to the context that a window cuts off.

    >>> rows = csr_array(np.array([[1.0, 0.0], [3.0, 2.0]], dtype=np.float32))
    >>> merge(rows, [0, 0], 1).toarray().tolist()
    [[3.0, 2.0]]
    """
    lengths = np.diff(impacts.indptr)
    texts = np.repeat(np.asarray(owners, dtype=np.int64), lengths)
    order = np.lexsort((impacts.indices, texts))
    texts, latents, values = texts[order], impacts.indices[order], impacts.data[order]
    if not len(values):
        return empty(n_texts, impacts.shape[1])
    is_first = np.ones(len(values), dtype=bool)
    is_first[1:] = (texts[1:] != texts[:-1]) | (latents[1:] != latents[:-1])
    merged = by.reduceat(values, np.flatnonzero(is_first))
    return from_triples(texts[is_first], latents[is_first], merged, (n_texts, impacts.shape[1]))


def to_features(impacts: Impacts, row: int = 0) -> Features:
    """Return one text's impacts by latent name, heaviest first, equal impacts by lower latent.

    >>> to_features(csr_array(np.array([[0.0, 0.5, 2.0]], dtype=np.float32)))
    {'2': 2.0, '1': 0.5}
    """
    start, end = impacts.indptr[row], impacts.indptr[row + 1]
    latents, values = impacts.indices[start:end], impacts.data[start:end]
    order = np.lexsort((latents, -values))
    names = map(str, latents[order].tolist())
    return dict(zip(names, values[order].tolist(), strict=True))


def from_features(features: Iterable[Mapping[str, float]], n_latents: int) -> Impacts:
    """Return impacts from latent names to values, a row for each mapping: `to_features` back.

    >>> from_features([{"2": 2.0, "1": 0.5}], 3).toarray().tolist()
    [[0.0, 0.5, 2.0]]
    """
    texts = list(features)
    rows = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    latents = np.array([int(name) for text in texts for name in text], dtype=np.int64)
    values = np.array([value for text in texts for value in text.values()], dtype=np.float32)
    return from_triples(rows, latents, values, (len(texts), n_latents))
