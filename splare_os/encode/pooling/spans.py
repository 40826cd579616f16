"""Tokens to character spans: where in a text each impact comes from."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...encoder import Spans
from ...impacts import Impacts, prune
from ..packing import Pack
from ..windows import Windows
from .pooling import SaePooling
from .text_impacts import TextImpacts, spans_of_impacts
from .window_impacts import (
    PooledTokens,
    activations_of,
    arg_max_tokens,
    largest_activations,
    to_rows,
)


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


def spans_of(
    windows: Windows,
    passes: Iterable[tuple[Pack, PooledTokens, Tensor]],
    pooling: SaePooling,
    *,
    top_k: int,
    skipped: int,
) -> list[Spans]:
    """Return each text's `top_k` heaviest latents with the span of their largest activation.

    `passes` are packs, the tokens that are pooled, and what was pooled [window, latent]; `skipped`
    as in `heaviest_spans`. So it is in a model of sums, too.
    """
    rule, sae = pooling.rule, pooling.sae
    parts, found = [], TextImpacts(rule, len(sae.bias), top_k)
    for pack, tokens, activations in passes:
        if rule.sums:  # of 16 bits, a maximum may be 0 where the sum just is not
            found.add(activations, windows.owners[pack.windows])
            impacts = to_rows(activations, largest_activations(tokens, sae))
        else:
            impacts = prune(rule.saturated_rows(to_rows(activations)), top_k)
        places = arg_max_tokens(tokens, impacts, sae)
        parts.append(TokenSpans.of(windows, pack.windows, impacts, places))
    most = len(sae.bias) if rule.sums else top_k
    spans = heaviest_spans(parts, windows.n_texts, top_k=most, skipped=skipped)
    if not rule.sums:
        return spans
    return list(spans_of_impacts(spans, found.impacts(windows.n_texts)))


def some_spans_of(
    windows: Windows,
    passes: Iterable[tuple[Pack, PooledTokens]],
    pooling: SaePooling,
    latents: Sequence[Collection[int]],
    *,
    skipped: int,
) -> list[Spans]:
    """Return for some latents of each text the span of their largest activation, if they have one.

    Of those latents what `spans_of` returns, whether they are among the heaviest or not.
    """
    asked = [np.array(sorted(one), dtype=np.int32) for one in latents]
    parts = []
    for pack, tokens in passes:
        wanted = [asked[text] for text in windows.owners[pack.windows]]
        impacts, places = activations_of(tokens, wanted, pooling.sae)
        parts.append(TokenSpans.of(windows, pack.windows, impacts, places))
    n_latents = len(pooling.sae.bias)
    return heaviest_spans(parts, windows.n_texts, top_k=n_latents, skipped=skipped)
