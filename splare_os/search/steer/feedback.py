"""More like these, less like those: a query moved by documents, in the space of latents.

Documents weigh as they score: each impact as the index has it, times what the latent's rarity
makes of a query's weight. Rows are brought to length 1 first, so that long documents do not
decide.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ...impacts import Impacts, prune

Method: TypeAlias = Literal["rocchio", "contrast"]

BETAS: Mapping[Method, float] = {"rocchio": 2.0, "contrast": 0.75}
"""What was best for each method."""

Vector: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Feedback:
    """How documents move a query: `alpha` of it stays, `beta` comes from those that are liked.

    `beta` None is the method's own. By `rocchio` `gamma` of the others' mean goes off; by
    `contrast` the liked ones' latents count as far as they tell both sets apart. The `top_k`
    heaviest latents of what comes out are searched for. docs/steering.md tells how the defaults
    were chosen.
    """

    method: Method = "rocchio"
    alpha: float = 1.0
    beta: float | None = None
    gamma: float = 0.15
    top_k: int = 100

    def __post_init__(self) -> None:
        """Refuse what moves nothing."""
        if self.method not in get_args(Method):
            raise ValueError(f"method={self.method!r}: choose one of {', '.join(get_args(Method))}")
        for name in ("alpha", "beta", "gamma"):
            share = self.own_beta if name == "beta" else getattr(self, name)
            is_number = isinstance(share, int | float) and not isinstance(share, bool)
            if not is_number or not 0 <= share <= sys.float_info.max:
                raise ValueError(f"{name}={share!r}: give a number of at least 0")
        if isinstance(self.top_k, bool) or not isinstance(self.top_k, int) or self.top_k < 1:
            raise ValueError(f"top_k={self.top_k!r}: give a number of latents, at least 1")

    @property
    def own_beta(self) -> float:
        """What comes from the documents that are liked."""
        return BETAS[self.method] if self.beta is None else self.beta

    def of(self, query: Impacts, liked: Impacts, disliked: Impacts) -> Impacts:
        """Return the weights [1, latent] of a query, moved; rows of the others are documents.

        Negative ones are cut: an inverted index has none. They come out as long as the query was,
        or, where it has no weights, as the liked documents are in the mean.
        """
        if query.shape[0] != 1:
            raise ValueError(f"query has {query.shape[0]} rows: move one at a time")
        towards, off = mean_unit(liked), mean_unit(disliked)
        if self.method == "contrast":
            towards, off = towards * log_odds(liked, disliked).clip(min=0), np.zeros_like(off)
            towards = _unit(towards)
        moved = self.alpha * mean_unit(query) + self.own_beta * towards - self.gamma * off
        length = _lengths(query)[0] or _mean(_lengths(liked)) or 1.0
        kept = _unit(moved.clip(min=0)) * length
        return prune(csr_array(kept[None].astype(np.float32)), self.top_k)


FEEDBACK = tuple(option.name for option in fields(Feedback))


def mean_unit(rows: Impacts) -> Vector:
    """Return the mean [latent] of rows brought to length 1; of none, zeros.

    >>> mean_unit(csr_array(np.array([[3.0, 4.0, 0.0], [0.0, 0.0, 2.0]]))).round(2).tolist()
    [0.3, 0.4, 0.5]
    """
    lengths = _lengths(rows)
    scales = np.repeat(1 / np.where(lengths > 0, lengths, 1), np.diff(rows.indptr))
    weights = rows.data.astype(np.float64) * scales
    total = np.bincount(rows.indices, weights=weights, minlength=rows.shape[1])
    return total / max(1, rows.shape[0])


def log_odds(liked: Impacts, disliked: Impacts) -> Vector:
    """Return how much more a latent [latent] is among liked documents: ln of the odds' ratio.

    With ½ added to each count, so that a latent which is in all, or none, has odds too.
    Source: Robertson and Sparck Jones' relevance weight (1976).

    >>> row = csr_array(np.array([[1.0, 1.0, 0.0]]))
    >>> log_odds(row, csr_array(np.array([[1.0, 0.0, 2.0]]))).round(2).tolist()
    [0.0, 2.2, -2.2]
    """
    return _logit(liked) - _logit(disliked)


def _logit(rows: Impacts) -> Vector:
    present = np.bincount(rows.indices, minlength=rows.shape[1])
    logit: Vector = np.log((present + 0.5) / (rows.shape[0] - present + 0.5))
    return logit


def _lengths(rows: Impacts) -> Vector:
    squares = csr_array((rows.data.astype(np.float64) ** 2, rows.indices, rows.indptr), rows.shape)
    return np.sqrt(np.asarray(squares.sum(axis=1)).reshape(-1))


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def _mean(lengths: Vector) -> float:
    return float(lengths.mean()) if len(lengths) else 0.0
