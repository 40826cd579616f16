"""Windows to the impacts of texts: a text's windows are pooled as its tokens are."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...encoder import Spans
from ...impacts import Impacts, empty, merge, prune, stack
from .rule import PoolingRule
from .window_impacts import to_rows


class TextImpacts:
    """Gathers what the latents of windows have, until it is whole for all texts.

    A text keeps its `top_k` heaviest impacts. Those of a maximum are saturated and cut window by
    window, which is exact; a sum has to be whole before.
    """

    def __init__(self, rule: PoolingRule, n_latents: int, top_k: int) -> None:
        self._rule, self._top_k = rule, top_k
        self._rows, self._owners = [empty(0, n_latents)], [np.zeros(0, dtype=np.int64)]

    def add(self, activations: Tensor, owners: NDArray[np.int64]) -> None:
        """Take in pooled activations [window, latent] of windows of the texts `owners`."""
        rows = to_rows(activations)
        if not self._rule.sums:
            rows = prune(self._rule.saturated_rows(rows), self._top_k)
        self._rows.append(rows)
        self._owners.append(owners)

    def impacts(self, n_texts: int) -> Impacts:
        """Return the impacts [text, latent] of all texts."""
        by = np.add if self._rule.sums else np.maximum
        merged = merge(stack(self._rows), np.concatenate(self._owners), n_texts, by=by)
        if self._rule.sums:
            merged = self._rule.saturated_rows(merged)
        return prune(merged, self._top_k)


def spans_of_impacts(spans: Sequence[Spans], impacts: Impacts) -> Iterator[Spans]:
    """Yield the spans of each text, of those latents alone that it has an impact of."""
    for row, found in enumerate(spans):
        latents = impacts.indices[impacts.indptr[row] : impacts.indptr[row + 1]]
        yield {latent: found[latent] for latent in np.sort(latents).tolist()}
