"""How the activations of a text's tokens become one impact: pooled over tokens, then saturated."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from ...impacts import Impacts

Pooling: TypeAlias = Literal["max", "sum"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)

Saturation: TypeAlias = Literal["log1p", "sqrt"]
SATURATIONS: dict[Saturation, Callable[[Tensor], Tensor]] = {
    "log1p": torch.log1p,
    "sqrt": torch.sqrt,
}
INVERSES: dict[Saturation, Callable[[Tensor], Tensor]] = {
    "log1p": torch.expm1,
    "sqrt": torch.square,
}


@dataclass(frozen=True, slots=True)
class PoolingRule:
    """The maximum or the sum over tokens, and what it goes through once a text.

    Maximum and log1p are those of SPLARE (arXiv 2603.13277), sum and square root those of Latent
    Terms (arXiv 2605.29384), whose frequency of a term counts how often a text shows it.
    """

    pooling: Pooling = "max"
    saturation: Saturation = "log1p"

    def __post_init__(self) -> None:
        """Refuse words that mean nothing here."""
        for name, choices in (("pooling", POOLINGS), ("saturation", tuple(SATURATIONS))):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name}={getattr(self, name)!r}: choose one of {', '.join(choices)}"
                )

    @property
    def sums(self) -> bool:
        """Whether each token adds to the impact, and so has to count once."""
        return self.pooling == "sum"

    def pooled(self, activations: Tensor) -> Tensor:
        """Return [latent] of the activations [token, latent] of a text with at least a token."""
        return activations.sum(dim=0) if self.sums else activations.amax(dim=0)

    def saturated(self, pooled: Tensor) -> Tensor:
        """Return impacts of pooled activations, ≥ 0, of any shape."""
        return SATURATIONS[self.saturation](pooled)

    def saturated_rows(self, pooled: Impacts) -> Impacts:
        """Return impacts [text, latent] of pooled activations; a row's order of latents stays."""
        return _rows(SATURATIONS[self.saturation], pooled)

    def unsaturated_rows(self, impacts: Impacts) -> Impacts:
        """Return pooled activations [text, latent] of impacts, as far as rounding lets them."""
        return _rows(INVERSES[self.saturation], impacts)


def _rows(function: Callable[[Tensor], Tensor], rows: Impacts) -> Impacts:
    values = np.asarray(function(torch.from_numpy(rows.data)))
    return csr_array((values, rows.indices, rows.indptr), shape=rows.shape)


def pooling_rule(pooling: str, saturation: str | None = None) -> PoolingRule:
    """Return the rule that these words name; without a saturation, the usual one of the pooling.

    >>> pooling_rule("sum")
    PoolingRule(pooling='sum', saturation='sqrt')
    """
    usual: Saturation = "sqrt" if pooling == "sum" else "log1p"
    return PoolingRule(cast(Pooling, pooling), cast(Saturation, saturation or usual))


MAX_LOG1P = PoolingRule()
"""That of SPLARE, and of a model folder that names none."""
