"""Batches get their texts when they are drawn: a long training keeps each text once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sentence_transformers.sparse_encoder.data_collator import SparseEncoderDataCollator

from .losses import Places


@dataclass
class RowCollator(SparseEncoderDataCollator):
    """Tokenizes rows that are known by place (`label`); `texts` says what their columns are."""

    texts: Callable[[Places], Mapping[str, Sequence[str]]] = field(kw_only=True)

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the batch of the rows at `features`, each `{"label": place}`."""
        columns = self.texts(np.array([row["label"] for row in features]))
        rows = [
            {name: texts[n] for name, texts in columns.items()} | row
            for n, row in enumerate(features)
        ]
        batch: dict[str, Any] = super().__call__(rows)
        return batch
