"""Tokens to character spans: where in a text each impact comes from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...encoder import Spans
from ...impacts import Impacts
from ..windows import Windows


@dataclass(frozen=True)
class TokenSpans:
    """Parallel arrays [impact]: text, window, latent, impact, and span [impact, 2]."""

    texts: NDArray[np.int64]
    windows: NDArray[np.int64]
    latents: NDArray[np.int32]
    values: NDArray[np.float32]
    spans: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        windows: Windows,
        rows: NDArray[np.int64],
        impacts: Impacts,
        places: Sequence[NDArray[np.int64]],
    ) -> "TokenSpans":
        """Return the spans of `impacts`, whose rows are the windows numbered `rows`.

        `places[row]` are the places of tokens in that window, one for each of its impacts.
        """
        owners = np.repeat(rows, np.diff(impacts.indptr))
        offsets = [
            np.array(windows.offsets[window], dtype=np.int64).reshape(-1, 2)[place]
            for window, place in zip(rows, places, strict=True)
        ]
        spans = np.concatenate(offsets)
        return cls(windows.owners[owners], owners, impacts.indices, impacts.data, spans)


def heaviest_spans(
    parts: Sequence[TokenSpans], n_texts: int, *, top_k: int, skipped: int
) -> list[Spans]:
    """Return each text's `top_k` heaviest latents with the span of the window that has most.

    `skipped` characters of a prompt stand before each text; spans inside it become (0, 0).
    """
    if not parts:
        return [{} for _ in range(n_texts)]
    columns = ("texts", "windows", "latents", "values", "spans")
    texts, windows, latents, values, spans = (
        np.concatenate([getattr(part, column) for part in parts]) for column in columns
    )
    order = np.lexsort((windows, -values, latents, texts))
    texts, latents, values, spans = texts[order], latents[order], values[order], spans[order]
    is_first = np.ones(len(texts), dtype=bool)
    is_first[1:] = (texts[1:] != texts[:-1]) | (latents[1:] != latents[:-1])
    texts, latents, values = texts[is_first], latents[is_first], values[is_first]
    spans = np.maximum(spans[is_first] - skipped, 0)
    bounds = np.searchsorted(texts, np.arange(n_texts + 1))
    found: list[Spans] = []
    for start, end in zip(bounds[:-1], bounds[1:], strict=True):
        heaviest = np.lexsort((latents[start:end], -values[start:end]))[:top_k]
        kept = start + np.sort(heaviest)
        found.append(
            dict(zip(latents[kept].tolist(), map(tuple, spans[kept].tolist()), strict=True))
        )
    return found
