"""Which latents of a query go into the search: fewer are faster, and find a little less."""

from dataclasses import dataclass

import numpy as np

from ...impacts import Impacts, prune


@dataclass(frozen=True)
class Cut:
    """Bounds of a query's latents, heaviest first; where several are given, all hold.

    `top_k`: so many. `max_ratio`: those of at least this share of the heaviest weight. `mass`: as
    many as have this share of all weight together. `drop_ratio`: all but this share of them, the
    lightest. One latent stays in any case.
    """

    top_k: int | None = None
    max_ratio: float | None = None
    mass: float | None = None
    drop_ratio: float | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that mean nothing."""
        if self.top_k is not None and (isinstance(self.top_k, bool) or not _is_count(self.top_k)):
            raise ValueError(f"top_k={self.top_k!r}: give a number of latents, at least 1")
        for name in ("max_ratio", "mass", "drop_ratio"):
            share = getattr(self, name)
            if share is not None and not _is_share(share):
                raise ValueError(f"{name}={share!r}: give a share from 0 to 1")

    def of(self, weights: Impacts) -> Impacts:
        """Return the weights [1, latent] that stay."""
        if weights.shape[0] != 1:
            raise ValueError(f"weights have {weights.shape[0]} rows: cut one query at a time")
        if self == NO_CUT or not weights.nnz:
            return weights
        ordered = np.sort(weights.data.astype(np.float64))[::-1]
        kept = [len(ordered)]
        if self.top_k is not None:
            kept.append(self.top_k)
        if self.max_ratio is not None:
            kept.append(int(np.count_nonzero(ordered >= self.max_ratio * ordered[0])))
        if self.mass is not None:
            together = np.cumsum(ordered)
            kept.append(int(np.searchsorted(together, self.mass * together[-1])) + 1)
        if self.drop_ratio is not None:
            kept.append(len(ordered) - int(self.drop_ratio * len(ordered)))
        return prune(weights, max(1, min(kept)))


NO_CUT = Cut()


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value >= 1


def _is_share(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= float(str(value)) <= 1
