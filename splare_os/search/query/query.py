"""Impacts of a query to query DSL: a dot product that the cluster's own inverted index computes."""

import math
from typing import Any, Literal, TypeAlias

import numpy as np

from ...impacts import Features, Impacts, to_features
from .cut import NO_CUT, Cut

Dsl: TypeAlias = dict[str, Any]
"""A query clause, or a search body, as JSON carries it."""

Dialect: TypeAlias = Literal["rank_feature", "neural_sparse"]

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
        return named({"match_none": {}}, name)
    if k1 is not None:
        clause = rank_feature(features, field, boost, k1)
    else:
        clause = DIALECTS[dialect](features, field, boost)
    clause = filtered(clause, filter)
    if min_score is not None:
        clause = {"function_score": {"query": clause, "min_score": min_score}}
    return named(clause, name)


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


def named(clause: Dsl, name: str | None) -> Dsl:
    """Return a query whose hits are told to have matched it as `name`; None: as it is."""
    return clause if name is None else {"bool": {"must": clause, "_name": name}}


def rank_feature(features: Features, field: str, boost: float, k1: float | None = None) -> Dsl:
    """Return the clause of at least one latent, in the dialect of that name."""
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


DIALECTS = {"rank_feature": rank_feature, "neural_sparse": _neural_sparse}
