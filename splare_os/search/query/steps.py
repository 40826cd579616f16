"""Two steps: a first pass over some of a query's latents, and the rest for its best hits alone.

Postings that are read are what a search costs. How common latents are tells which give the most
weight for them, and whether a second step pays at all.
Source: Two-Step SPLADE, arXiv 2404.13357.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...impacts import Features, Impacts, to_features
from .query import Dsl, rank_feature

FIRST_PASS = 0.25
"""Share of a query's postings that the first of two steps reads."""

FEWEST = 8
"""Latents of a first pass at least, however common they are."""

WINDOW = 500
"""Hits of the first pass that are scored anew."""

WIDEST = 10_000
"""Hits that a server scores anew at most (`index.max_rescore_window`)."""

PAYS_FROM = 150_000
"""Postings that a first pass has to leave out, for two steps to be the quicker (measured)."""


@dataclass(frozen=True)
class Steps:
    """`part` of the postings are read first, and the `window` best of it scored anew."""

    window: int = WINDOW
    part: float = FIRST_PASS

    def __post_init__(self) -> None:
        """Refuse a window without hits, and a first pass without postings."""
        if not 1 <= self.window <= WIDEST:
            raise ValueError(f"window={self.window}: score 1 to {WIDEST} hits anew")
        if not 0 < self.part <= 1:
            raise ValueError(f"part={self.part}: the share of postings, above 0 and at most 1")


@dataclass(frozen=True)
class Plan:
    """The latents of a query by step, heaviest first; all in the first: one exact step.

    `postings` are those of all latents, `read` those of the first pass; None: not known.
    """

    first: Features
    rest: Features
    window: int
    postings: float | None = None
    read: float | None = None

    def body(self, field: str, *, boost: float = 1.0, k1: float | None = None) -> Dsl:
        """Return `query`, and `rescore` if there are two steps, of a search body."""
        if not self.first:
            return {"query": {"match_none": {}}}
        query = rank_feature(self.first, field, boost, k1)
        if not self.rest:
            return {"query": query}
        again = {
            "rescore_query": rank_feature(self.rest, field, boost, k1),
            "score_mode": "total",
        }
        return {"query": query, "rescore": {"window_size": self.window, "query": again}}

    def to_json(self) -> Mapping[str, object]:
        """Return what a profile says of the plan."""
        told = {
            "route": "two-step" if self.rest else "exact",
            "latents": len(self.first) + len(self.rest),
            "first_pass_latents": len(self.first),
        }
        if self.rest:
            told["window"] = self.window
        if self.postings is None or self.read is None:
            return told
        return told | {"postings": round(self.postings), "first_pass_postings": round(self.read)}


def two_step(  # noqa: PLR0913  # each says another thing
    impacts: Impacts,
    field: str,
    *,
    heaviest: int = 20,
    window: int = WINDOW,
    k1: float | None = None,
    shares: NDArray[np.float64] | None = None,
    part: float = FIRST_PASS,
    documents: float | None = None,
) -> Dsl:
    """Return `query` and `rescore` of a search body: a first pass over some of the latents.

    The `window` best hits of that pass get the rest of the dot product added, so their scores are
    exact; documents that only other latents would bring in are missed. `k1` as in `translate`.
    First come the `heaviest` latents; or, with `shares` [latent], the share of documents that show
    each, those with the most weight for the postings that are read, up to `part` of these. With
    the number of `documents` too, one exact step where two would not be quicker.
    """
    if heaviest < 1:
        raise ValueError(f"heaviest={heaviest}: a first pass has at least one latent")
    steps = Steps(window, part)
    return plan(impacts, steps, shares, documents, heaviest).body(field, k1=k1)


def plan(
    impacts: Impacts,
    steps: Steps,
    shares: NDArray[np.float64] | None = None,
    documents: float | None = None,
    heaviest: int = 20,
) -> Plan:
    """Return which latents of a query [1, latent] go first; the arguments are `two_step`'s."""
    features = to_features(impacts)
    if shares is None:
        chosen = list(features)[:heaviest]
    else:
        chosen = worthwhile(features, shares, steps.part)
    first = {latent: features[latent] for latent in chosen}
    rest = {latent: impact for latent, impact in features.items() if latent not in first}
    if shares is None or documents is None:
        return Plan(first, rest, steps.window)
    postings, read = (
        documents * float(shares[[int(latent) for latent in latents]].sum())
        for latents in (features, first)
    )
    if postings - read < PAYS_FROM:
        return Plan(features, {}, steps.window, postings, postings)
    return Plan(first, rest, steps.window, postings, read)


def worthwhile(
    features: Features, shares: NDArray[np.float64], part: float = FIRST_PASS
) -> list[str]:
    """Return the latents of a first pass that reads `part` of the postings.

    Those first with the most weight for them: over the root of the share of documents [latent].
    """
    postings = {latent: float(shares[int(latent)]) for latent in features}
    ordered = sorted(features, key=lambda latent: -features[latent] / math.sqrt(postings[latent]))
    read = np.cumsum([postings[latent] for latent in ordered])
    within = int(np.searchsorted(read, part * read[-1], side="right")) if len(read) else 0
    return ordered[: max(FEWEST, within)]
