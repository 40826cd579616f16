"""How impacts score: `dot`, the plain dot product of SPLARE, or `calibrated` by the collection.

Calibrated, a document's impact saturates and counts less in a long document, and a query's counts
more the rarer its latent is in the collection, as BM25 treats words:

    score = Σ q · idf^α · x · (k1 + 1) / (x + k1 · (1 − b + b · length / mean length))

Source: BM25 (Robertson and Zaragoza, 2009), over latents as in Latent Terms (arXiv 2605.29384).
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .impacts import Impacts

Scoring: TypeAlias = Literal["dot", "calibrated"]
SCORINGS: tuple[Scoring, ...] = get_args(Scoring)


ALPHA = 0.5
"""Power of idf; docs/scoring.md tells how it, `K1` and `B` were chosen."""
K1, B = 0.7, 0.4


def check_scoring(scoring: str | None) -> None:
    """Raise `ValueError` for a scoring that there is not; None asks for none."""
    if scoring not in (None, *SCORINGS):
        raise ValueError(f"scoring={scoring!r}: choose one of {', '.join(SCORINGS)}")


@dataclass(frozen=True, slots=True)
class Saturation:
    """What documents' impacts go through: `k1` > 0, and `b` in [0, 1] of their length.

    `mean_length` belongs to the field for good: whatever documents come, one of this length is
    weighed as without `b`.
    """

    k1: float = K1
    b: float = 0.0
    mean_length: float = 1.0

    def __post_init__(self) -> None:
        """Refuse values that give no weight."""
        if not (self.k1 > 0 and 0 <= self.b <= 1 and self.mean_length > 0):
            raise ValueError(
                f"k1={self.k1}, b={self.b}, mean_length={self.mean_length}: k1 and mean_length "
                "have to be above 0, b from 0 to 1"
            )

    def is_like(self, other: "Saturation | None") -> bool:
        """Return whether scores compare: with mean lengths a tenth apart they nearly do."""
        return (
            other is not None
            and (self.k1, self.b) == (other.k1, other.b)
            and abs(self.mean_length - other.mean_length) <= 0.1 * self.mean_length
        )

    def of(self, impacts: Impacts) -> Impacts:
        """Return impacts [text, latent], saturated; a row's order of latents stays.

        A length is the sum of a row, so rows are cut to their top-k before.

        >>> rows = csr_array(np.array([[1.0, 3.0]], dtype=np.float32))
        >>> Saturation(k1=2.0, b=0.5, mean_length=2.0).of(rows).toarray().tolist()
        [[0.75, 1.5]]
        """
        lengths = np.asarray(impacts.sum(axis=1, dtype=np.float64)).reshape(-1)
        pivots = self.k1 * (1 - self.b + self.b * lengths / self.mean_length)
        pivot = np.repeat(pivots, np.diff(impacts.indptr))
        values = impacts.data * (self.k1 + 1) / (impacts.data + pivot)
        parts = values.astype(np.float32), impacts.indices, impacts.indptr
        return csr_array(parts, shape=impacts.shape)


def weighed(queries: Impacts, idf: NDArray[np.float64], *, alpha: float = ALPHA) -> Impacts:
    """Return impacts of queries [text, latent] times idf^α [latent]."""
    weights = queries.data * idf[queries.indices] ** alpha
    parts = weights.astype(np.float32), queries.indices, queries.indptr
    return csr_array(parts, shape=queries.shape)
