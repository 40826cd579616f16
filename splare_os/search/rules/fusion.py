"""Two lists of hits as one: by the reciprocals of their ranks, whatever page is asked for."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from ..fusion import RRF_K

Hit: TypeAlias = dict[str, Any]
"""A hit, as the server sends it."""


def fused_hits(
    theirs: Sequence[Hit], ours: Sequence[Hit], *, window: int, weight: float = 1.0, k: int = RRF_K
) -> list[Hit]:
    """Return the hits of both, those of the best `window` of each fused, the rest of `theirs` last.

    The score of a hit is 1 / (k + rank) for its rank in `theirs`, from 1, plus `weight` times as
    much for that in `ours`. Equal scores: the better rank in `theirs` first. What comes after the
    window keeps its order, so that any page is a part of one list. Of a document that both have,
    the hit is of `theirs`.
    Source: Cormack, Clarke and Buettcher, SIGIR 2009.
    """
    hits: dict[tuple[object, object], Hit] = {}
    scores: dict[tuple[object, object], float] = {}
    for found, share in ((theirs[:window], 1.0), (ours[:window], weight)):
        for rank, hit in enumerate(found, 1):
            name = hit.get("_index"), hit["_id"]
            hits.setdefault(name, hit)
            scores[name] = scores.get(name, 0.0) + share / (k + rank)
    best = sorted(scores, key=lambda name: -scores[name])  # stable: theirs came first
    whole = [{**hits[name], "_score": scores[name]} for name in best]
    for rank, hit in enumerate(theirs[window:], window + 1):
        if (hit.get("_index"), hit["_id"]) not in hits:
            least = whole[-1]["_score"]
            whole.append({**hit, "_score": min(least, 1 / (k + rank))})
    return whole
