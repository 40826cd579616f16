"""Several rankings become one: by reciprocal ranks, or by a weighted sum of normalised scores.

Both are what OpenSearch's neural-search does with a `hybrid` query, to the bit: floats of 32 bits,
ranks from 1 over all shards, scores normalised over the hits that are fused.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, get_args

import numpy as np
import orjson

from ...paths import StrPath

Method: TypeAlias = Literal["rrf", "weighted"]
METHODS: tuple[Method, ...] = get_args(Method)

DEPTH = 100
"""Hits of each ranking that fusion looks at."""

RRF_K = 60

LEAST = np.float32(0.001)
"""What the last hit of a ranking is normalised to, so that it counts more than no hit."""

D = TypeVar("D", bound=Hashable)

Order: TypeAlias = Callable[[D], Any]
"""The key by which documents of one score are ordered."""


def _are_shares(weights: tuple[float, ...]) -> bool:
    numbers = all(isinstance(w, int | float) and not isinstance(w, bool) for w in weights)
    return bool(weights) and numbers and min(weights) >= 0 and abs(sum(weights) - 1) <= 0.001


@dataclass(frozen=True)
class Fusion:
    """How rankings are fused: the best `depth` hits of each.

    `rrf`: a document's score is the sum of 1 / (k + rank). `weighted`: that of `weights`, one for
    each ranking and together 1, times its score there, normalised so that the ranking's least is
    0.001 and its largest 1; a ranking without the document adds nothing.
    """

    method: Method = "rrf"
    k: int = RRF_K
    weights: tuple[float, ...] = ()
    depth: int = DEPTH

    def __post_init__(self) -> None:
        """Refuse what the cluster would refuse, and what fuses nothing."""
        if self.method not in METHODS:
            raise ValueError(f"method={self.method!r}: choose one of {', '.join(METHODS)}")
        if not 1 <= self.k <= 10_000:
            raise ValueError(f"k={self.k}: give a number from 1 to 10000")
        if not 1 <= self.depth <= 10_000:
            raise ValueError(f"depth={self.depth}: fuse from 1 to 10000 hits of each ranking")
        if self.method == "rrf" and self.weights:
            raise ValueError(f"weights={self.weights}: only method='weighted' has them")
        if self.method == "weighted" and not _are_shares(self.weights):
            raise ValueError(
                f"weights={self.weights}: give one for each ranking, from 0 to 1, together 1"
            )

    def to_json(self) -> dict[str, object]:
        """Return what a file says of this fusion; `read_fusion` reads it."""
        if self.method == "rrf":
            return {"method": "rrf", "k": self.k, "depth": self.depth}
        return {"method": "weighted", "weights": list(self.weights), "depth": self.depth}


RRF = Fusion()

WEIGHTED = Fusion("weighted", weights=(0.4, 0.6))
"""Of words and of latents; docs/search.md tells how these weights were chosen."""

NAMED = {"rrf": RRF, "weighted": WEIGHTED}


def read_fusion(path: StrPath) -> Fusion:
    """Return the fusion of this name (`NAMED`), or that a JSON file tells.

    `splare-os evaluate --fit-hybrid` writes such files; what `fitted` holds, how it was found, is
    passed over. `ValueError` for anything else.
    """
    if path in NAMED:
        return NAMED[str(path)]
    try:
        found = orjson.loads(Path(path).read_bytes())
    except OSError as error:
        names = ", ".join(NAMED)
        raise ValueError(
            f"{path}: it is none of {names}, and no file that can be read ({error.strerror})"
        ) from error
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{path}: it is no JSON ({error})") from error
    known = {field.name for field in fields(Fusion)}
    if not isinstance(found, dict) or "method" not in found:
        raise ValueError(f'{path}: it has to be an object with a "method", of {METHODS}')
    found.pop("fitted", None)
    if unknown := sorted(found.keys() - known):
        raise ValueError(f"{path}: it has {unknown}; known are {sorted(known)} and 'fitted'")
    if not isinstance(found.get("weights", []), list):
        raise ValueError(f"{path}: weights={found['weights']!r}: give a list of numbers")
    try:
        return Fusion(**{**found, "weights": tuple(found.get("weights", ()))})
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def fuse(
    rankings: Sequence[Mapping[D, float]], fusion: Fusion = RRF, order: Order[D] | None = None
) -> dict[D, float]:
    """Return all documents of the best `depth` hits of each ranking, best first, fused.

    Rankings are scores by document, best first: a place there is a rank. Documents of one score
    stand as `order` says, or else as they are met, ranking by ranking.
    Source: Cormack, Clarke and Buettcher, SIGIR 2009, for reciprocal ranks.

    >>> fuse([{"a": 9.0, "b": 5.0}, {"b": 0.7}], Fusion(k=1)).keys()
    dict_keys(['b', 'a'])
    """
    if fusion.weights and len(fusion.weights) != len(rankings):
        raise ValueError(f"weights={fusion.weights}: there are {len(rankings)} rankings")
    cut = [dict(list(ranking.items())[: fusion.depth]) for ranking in rankings]
    shares = [_shares(ranking, fusion, place) for place, ranking in enumerate(cut)]
    fused: dict[D, np.float32] = {}
    for share in shares:
        for document, value in share.items():
            fused[document] = fused.get(document, np.float32(0)) + value
    if fusion.weights:  # nearly 1, and the cluster divides by it
        total = np.float32(0)
        for weight in fusion.weights:
            total += np.float32(weight)
        fused = {document: value / total for document, value in fused.items()}
    found = sorted(fused, key=order) if order else list(fused)
    found.sort(key=lambda document: -fused[document])
    return {document: float(fused[document]) for document in found}


def _shares(ranking: Mapping[D, float], fusion: Fusion, place: int) -> dict[D, np.float32]:
    """Return what a ranking adds to each of its documents."""
    if fusion.method == "rrf":
        ranks = range(1, len(ranking) + 1)
        values = [np.float32(round(1 / (fusion.k + rank), 10)) for rank in ranks]
        return dict(zip(ranking, values, strict=True))
    weight = np.float32(fusion.weights[place])
    normal = normalised([*ranking.values()])
    return {name: value * weight for name, value in zip(ranking, normal, strict=True)}


def normalised(scores: Sequence[float]) -> list[np.float32]:
    """Return scores from 0, the least, to 1, the largest; all 1 if they are equal.

    For the least 0.001 stands, even if that is more than the next gets.

    >>> [float(value) for value in normalised([6.0, 4.0, 2.0])]
    [1.0, 0.5, 0.0010000000474974513]
    """
    values = [np.float32(score) for score in scores]
    if not values:
        return []
    least, largest = min(values), max(values)
    if least == largest:
        return [np.float32(1)] * len(values)
    normal = [(value - least) / (largest - least) for value in values]
    return [value or LEAST for value in normal]
