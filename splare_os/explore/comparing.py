"""Two queries, or two documents, against each other: the latents of both, and those of one."""

from typing import Any, TypeAlias

import numpy as np

from ..impacts import Features, Impacts, to_features
from ..search import Examples, Reference
from .messages import Comparing
from .place import Place
from .reading import document

Json: TypeAlias = dict[str, Any]

MOST_TOLD = 20
"""Latents of each list."""


def compare(place: Place, asked: Comparing) -> Json:
    """Return the latents that both sides have, and those that one has, the heaviest first.

    A side's weights are those that score: of a query weighed by idf, of a document besides as the
    index keeps them. `cosine` is of the two as vectors. `NoDocumentError` for an id that is not
    there.
    """
    rows = [_row(place, asked.kind, one) for one in (asked.a, asked.b)]
    a, b = map(to_features, rows)
    lists = {
        "shared": _ordered({name: a[name] * b[name] for name in a if name in b}),
        "only_a": _ordered({name: weight for name, weight in a.items() if name not in b}),
        "only_b": _ordered({name: weight for name, weight in b.items() if name not in a}),
    }
    told = sorted({int(name) for each in lists.values() for name in each[:MOST_TOLD]})
    labels = place.labels(told)
    words = [_words(place, asked.kind, one) for one in (asked.a, asked.b)]

    def entry(name: str) -> Json:
        latent = int(name)
        return {
            "latent": latent,
            "label": labels[latent].label if latent in labels else None,
            "a": _share(a, name),
            "b": _share(b, name),
            "word_a": words[0].get(latent, ""),
            "word_b": words[1].get(latent, ""),
        }

    return {
        "cosine": _cosine(*rows),
        "counts": {name: len(each) for name, each in lists.items()},
        **{name: [entry(one) for one in each[:MOST_TOLD]] for name, each in lists.items()},
    }


def _ordered(weights: Features) -> list[str]:
    """Return latents, the heaviest first; of equal ones the lower."""
    return sorted(weights, key=lambda name: (-weights[name], int(name)))


def _row(place: Place, kind: str, one: str) -> Impacts:
    if kind == "queries":
        return place.query_weights(one, Examples())
    document(place, one)  # it tells if there is none
    there = place.impacts()
    moved = place.control(there, Examples(like=(Reference(one),))).moved
    if moved is None:
        raise RuntimeError("examples that move nothing")
    return moved.liked


def _words(place: Place, kind: str, one: str) -> dict[int, str]:
    if kind == "queries":
        return place.words(one, query=True)
    return place.words(document(place, one)[1])


def _share(weights: Features, name: str) -> float:
    """Return a latent's weight as a share of the side's heaviest."""
    return weights.get(name, 0.0) / max(weights.values(), default=1.0)


def _cosine(a: Impacts, b: Impacts) -> float:
    lengths = _length(a) * _length(b)
    return float((a @ b.T).toarray()[0, 0] / lengths) if lengths else 0.0


def _length(row: Impacts) -> float:
    return float(np.linalg.norm(row.data.astype(np.float64)))
