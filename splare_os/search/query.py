"""Impacts of a query to query DSL: a dot product that the cluster's own inverted index computes."""

import math
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..impacts import Features, Impacts, to_features
from .cut import NO_CUT, Cut

Dsl: TypeAlias = dict[str, Any]
"""A query clause, or a search body, as JSON carries it."""

Dialect: TypeAlias = Literal["rank_feature", "neural_sparse"]

FIRST_PASS = 0.25
"""Share of a query's postings that the first of two steps reads."""

FEWEST = 8
"""Latents of a first pass at least, however common they are."""

MAX_TOKEN_WEIGHT = 64.0
"""Largest weight that `neural_sparse` takes."""

MAX_WEIGHT = 1e30
"""Largest weight of a latent: sums of its products with impacts stay finite."""


def translate(  # noqa: PLR0913  # each says another thing
    impacts: Impacts,
    field: str,
    *,
    dialect: Dialect = "rank_feature",
    boost: float = 1.0,
    min_score: float | None = None,
    k1: float | None = None,
    cut: Cut = NO_CUT,
    filter: Dsl | None = None,  # noqa: A002  # as OpenSearch calls it
    name: str | None = None,
) -> Dsl:
    """Return a clause that scores documents by dot product with `impacts` [1, latent].

    `field` is the `rank_features` field, such as `text_splare.impacts`. `rank_feature` works on
    OpenSearch ≥ 1.0 and Elasticsearch ≥ 7.12, `neural_sparse` where that plugin is; their scores
    are equal. Only documents that `filter` matches, and that have `min_score` or more, match where
    these are given. Of the latents those go into it that `cut` leaves; hits are told to have
    matched it as `name`. A query without impacts matches nothing. With `k1` the cluster saturates
    a document's impacts x first, to x · (k1 + 1) / (x + k1), which `neural_sparse` cannot.
    """
    _check(impacts, field, dialect, boost, k1)
    features = to_features(cut.of(impacts))
    _check_scores(features, boost, k1)
    if not features:
        return _named({"match_none": {}}, name)
    if k1 is not None:
        clause = _rank_feature(features, field, boost, k1)
    else:
        clause = DIALECTS[dialect](features, field, boost)
    clause = filtered(clause, filter)
    if min_score is not None:
        clause = {"function_score": {"query": clause, "min_score": min_score}}
    return _named(clause, name)


def _check(impacts: Impacts, field: str, dialect: Dialect, boost: float, k1: float | None) -> None:
    """Raise `ValueError` for what cannot be translated."""
    if impacts.shape[0] != 1:
        raise ValueError(f"impacts have {impacts.shape[0]} rows: translate one query at a time")
    if boost < 0 or not math.isfinite(boost):
        raise ValueError(f"boost={boost}: must be a finite number of at least 0")
    if dialect not in DIALECTS:
        raise ValueError(f"dialect={dialect!r}: choose one of {', '.join(DIALECTS)}")
    if k1 is not None and dialect != "rank_feature":
        raise ValueError(
            f"dialect={dialect!r} cannot saturate the plain impacts of {field!r}: use "
            "rank_feature, search with scoring='dot', or index anew for 'calibrated'"
        )


def _check_scores(features: Features, boost: float, k1: float | None) -> None:
    """Raise `ValueError` for weights that a float of 32 bits, which scores are, cannot hold."""
    largest = max(features.values(), default=0.0) * boost * ((k1 or 0.0) + 1)
    if largest > MAX_WEIGHT:
        raise ValueError(
            f"boost={boost}: a latent's weight would be {largest:.2g}, and {MAX_WEIGHT:.2g} is the "
            "most that scores are reckoned with: give a smaller boost"
        )


def filtered(query: Dsl, filter: Dsl | None) -> Dsl:  # noqa: A002
    """Return a query of the same scores, among documents that match `filter`."""
    return query if filter is None else {"bool": {"must": [query], "filter": [filter]}}


def _named(clause: Dsl, name: str | None) -> Dsl:
    return clause if name is None else {"bool": {"must": clause, "_name": name}}


def two_step(
    impacts: Impacts,
    field: str,
    *,
    heaviest: int = 20,
    window: int = 500,
    k1: float | None = None,
    shares: NDArray[np.float64] | None = None,
    part: float = FIRST_PASS,
) -> Dsl:
    """Return `query` and `rescore` of a search body: a first pass over some of the latents.

    The `window` best hits of that pass get the rest of the dot product added, so their scores are
    exact; documents that only other latents would bring in are missed. `k1` as in `translate`.
    First come the `heaviest` latents; or, with `shares` [latent], the share of documents that show
    each, those with the most weight for the postings that are read, up to `part` of these.
    Source: Two-Step SPLADE, arXiv 2404.13357.
    """
    if heaviest < 1 or window < 1:
        raise ValueError(f"heaviest={heaviest}, window={window}: both must be at least 1")
    if not 0 < part <= 1:
        raise ValueError(f"part={part}: the share of postings must be above 0 and at most 1")
    features = to_features(impacts)
    chosen = list(features)[:heaviest] if shares is None else worthwhile(features, shares, part)
    first = {latent: features[latent] for latent in chosen}
    rest = {latent: impact for latent, impact in features.items() if latent not in first}
    if not rest:
        return {"query": translate(impacts, field, k1=k1)}
    rescore = {"rescore_query": _rank_feature(rest, field, 1.0, k1), "score_mode": "total"}
    return {
        "query": _rank_feature(first, field, 1.0, k1),
        "rescore": {"window_size": window, "query": rescore},
    }


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


def _rank_feature(features: Features, field: str, boost: float, k1: float | None = None) -> Dsl:
    function: Dsl = {"linear": {}} if k1 is None else {"saturation": {"pivot": k1}}
    scale = boost if k1 is None else boost * (k1 + 1)
    clauses = [
        {"rank_feature": {"field": f"{field}.{latent}", "boost": impact * scale} | function}
        for latent, impact in features.items()
    ]
    return {"bool": {"should": clauses}}


def _neural_sparse(features: Features, field: str, boost: float) -> Dsl:
    if boost == 0:
        return {
            "neural_sparse": {field: {"query_tokens": dict.fromkeys(features, 1.0), "boost": 0}}
        }
    # multiplied first, as rank_feature's boosts are, so that both round alike
    weights = {latent: impact * boost for latent, impact in features.items()}
    # a power of two, so that scaling is exact
    scale = 2.0 ** max(0, math.ceil(math.log2(max(weights.values()) / MAX_TOKEN_WEIGHT)))
    scaled = {latent: weight / scale for latent, weight in weights.items()}
    tokens = {latent: weight for latent, weight in scaled.items() if np.float32(weight) > 0}
    return {"neural_sparse": {field: {"query_tokens": tokens, "boost": scale}}}


DIALECTS = {"rank_feature": _rank_feature, "neural_sparse": _neural_sparse}
