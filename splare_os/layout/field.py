"""What stands in the impacts field of a document. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..impacts import Impacts, as_stored, from_features
from ..scoring import Saturation
from ..statistics import Statistics
from .cut import DocumentCut

N_LATENTS_KEPT = 20
"""Heaviest latents in the keyword field, for aggregations."""

SMALLEST, LARGEST = np.finfo(np.float32).tiny, np.finfo(np.float32).max


def digest(
    text: str, fingerprint: str, cut: DocumentCut, saturation: Saturation | None = None
) -> str:
    """Return 16 hex digits that change with the text, the model, the cut and the saturation.

    >>> digest("a text", "0123456789abcdef", DocumentCut(400))
    'd47cd4fac3e6cf20'
    """
    made = [fingerprint, cut.mark]
    if saturation is not None:
        made.append(" ".join(map(repr, astuple(saturation))))
    return sha256("\n".join([*made, text]).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class FieldImpacts:
    """Impacts [text, latent] as a field holds them, and `lengths` [text].

    A length is the sum of a text's impacts as the model gave them, of those that are kept.
    """

    impacts: Impacts
    lengths: NDArray[np.float32]

    @classmethod
    def of(cls, impacts: Impacts, saturation: Saturation | None) -> Self:
        """Return what a field holds of impacts as the model gives them, cut to its top-k."""
        with np.errstate(all="ignore"):  # what is not finite is told of elsewhere
            lengths = impacts.sum(axis=1, dtype=np.float64).astype(np.float32)
            return cls(impacts if saturation is None else saturation.of(impacts), lengths)


def impacts_object(made: FieldImpacts, row: int) -> dict[str, object]:
    """Return `impacts`, `latents`, `count` and `length` of one text as the index holds them.

    Heaviest first, the lower latent of equal ones; values as Lucene keeps them (9 bits): `_source`
    says what is scored. Each row of the impacts has its latents sorted.
    """
    impacts = made.impacts
    start, end = impacts.indptr[row], impacts.indptr[row + 1]
    values = as_stored(impacts.data[start:end])
    # the bits of positive numbers are ordered as they are, and sorted by radix
    order = np.argsort(~(values.view(np.uint32) >> 15).astype(np.uint16), kind="stable")
    names = latent_names(impacts.shape[1])[impacts.indices[start:end][order]].tolist()
    features = dict(zip(names, values[order], strict=True))
    heaviest = names[:N_LATENTS_KEPT]
    length = made.lengths[row]
    return {"impacts": features, "latents": heaviest, "count": len(names), "length": length}


@lru_cache(maxsize=4)
def latent_names(n_latents: int) -> NDArray[np.object_]:
    """Return the names of all latents: a look-up is five times as fast as making them."""
    return np.array(list(map(str, range(n_latents))), dtype=object)


def statistics_of(objects: Sequence[object], n_latents: int) -> Statistics:
    """Return the statistics of documents, from what `_source` holds in their impacts field.

    Other writers may have put anything there: what is no impact of a latent does not count.
    """
    features, length = [], 0.0
    for ours in objects:
        one = ours if isinstance(ours, Mapping) else {}
        found = one.get("impacts")
        named = found.items() if isinstance(found, Mapping) else ()
        features.append({name: 1.0 for name, value in named if _is_impact(name, value, n_latents)})
        length += float(one["length"]) if _is_number(one.get("length")) else 0.0
    counts = Statistics.of(from_features(features, n_latents)).document_frequency
    return Statistics(len(features), counts, length)


def _is_impact(name: object, value: object, n_latents: int) -> bool:
    is_latent = isinstance(name, str) and name.isdecimal() and name.isascii()
    return is_latent and int(str(name)) < n_latents and _is_number(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def bad_impacts(impacts: Impacts) -> dict[int, str]:
    """Return row → reason for each text with an impact that the index cannot hold.

    A single zero, negative, denormal or non-finite value makes Lucene reject the document.
    """
    good = (impacts.data >= SMALLEST) & (impacts.data <= LARGEST)
    if good.all():
        return {}
    bad: NDArray[np.intp] = np.flatnonzero(~good)
    rows = np.searchsorted(impacts.indptr, bad, side="right") - 1
    return {
        int(row): f"impact {impacts.data[at]} of latent {impacts.indices[at]}: the encoder must "
        f"give finite values of at least {SMALLEST:.3g}"
        for row, at in zip(rows[::-1], bad[::-1], strict=True)
    }
