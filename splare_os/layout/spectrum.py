"""Document frequencies of all latents in a few numbers, for charts. Pure functions."""

import numpy as np
from numpy.typing import NDArray

EVERYWHERE = 0.5
"""A latent is everywhere if more than this share of the documents shows it."""

POINTS = 60
"""About how many ranks are told."""


def spectrum(document_frequency: NDArray[np.int64]) -> list[dict[str, int]]:
    """Return document frequencies by rank, the most frequent latent first, no dead ones.

    Ranks are as far apart as they are large, so that they are even on a logarithmic axis.

    >>> spectrum(np.array([3, 0, 7, 0]))
    [{'rank': 1, 'documents': 7}, {'rank': 2, 'documents': 3}]
    """
    falling = np.sort(document_frequency[document_frequency > 0])[::-1]
    if not len(falling):
        return []
    ranks = np.unique(np.rint(np.geomspace(1, len(falling), POINTS)).astype(int))
    return [{"rank": int(rank), "documents": int(falling[rank - 1])} for rank in ranks]
