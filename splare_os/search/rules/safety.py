"""Which searches can be rewritten without a change that nobody asked for; why the others can't.

Only what is known to be safe is rewritten: a key or parameter that is not named here passes the
search as it is.
"""

from collections.abc import Mapping
from typing import Any

from ..query.query import Dsl
from ..request.page import page_of
from ..rewrite.source import names_in
from .rule import Mode

HITS = frozenset(
    {
        *("_source", "docvalue_fields", "fields", "highlight", "script_fields", "stored_fields"),
        *("seq_no_primary_term", "version"),
    }
)
"""Keys of a body that say what a hit shows."""

HYBRID = HITS | {
    *("query", "from", "size", "post_filter", "aggs", "aggregations", "suggest", "sort"),
    *("stats", "timeout", "track_total_hits", "track_scores"),
}
"""Keys of a body that may stand in a search that is fused with another."""

KEYS: Mapping[Mode, frozenset[str]] = {
    "rescore": HYBRID | {"explain", "indices_boost", "min_score", "profile", "terminate_after"},
    "hybrid": HYBRID,
}
"""Keys of a body that a search may have in each mode."""

VIEW = frozenset(
    {
        *("allow_no_indices", "expand_wildcards", "ignore_unavailable", "preference", "routing"),
        *("allow_partial_search_results", "batched_reduce_size", "cancel_after_time_interval"),
        *("ccs_minimize_roundtrips", "max_concurrent_shard_requests", "pre_filter_shard_size"),
        *("request_cache", "search_type", "request_timeout", "timeout", "ignore"),
    }
)
"""Parameters that say how a search sees the cluster."""

OUTPUT = frozenset(
    {
        *("_source", "_source_excludes", "_source_includes", "docvalue_fields", "stored_fields"),
        *("from", "size", "seq_no_primary_term", "version", "stats", "sort", "typed_keys"),
        *("track_total_hits", "track_scores", "rest_total_hits_as_int", "pretty", "human"),
        *("error_trace", "index"),
    }
)

PARAMETERS: Mapping[Mode, frozenset[str]] = {
    "rescore": VIEW | OUTPUT | {"explain", "filter_path", "terminate_after"},
    "hybrid": VIEW | OUTPUT,
}
"""Parameters that a search may have in each mode; `index` stands in the header of an msearch."""

BY_SCORE = ("_score", b"_score", "_score:desc", b"_score:desc")


def why_not(body: Dsl, params: Mapping[str, Any], mode: Mode) -> str | None:
    """Return why a search is not rewritten; None: it can be."""
    for asked, known in ((body, KEYS[mode]), (params, PARAMETERS[mode])):
        if foreign := sorted(key for key in asked if key not in known and asked[key] is not None):
            return f"{', '.join(foreign)}"
    if not by_score(params.get("sort", body.get("sort"))):
        return "sort"
    stored = names_in(params.get("stored_fields", body.get("stored_fields")))
    if mode == "hybrid" and "_none_" in stored:
        return "stored_fields without ids"
    page = page_of(body, params)
    if page is None:
        return "from and size that are no numbers"
    return "no hits are asked for" if page[1] == 0 else None


def by_score(sort: object) -> bool:
    """Return whether hits come by score, best first, as they do where nothing is said."""
    if isinstance(sort, list) and len(sort) == 1:
        (sort,) = sort
    if isinstance(sort, Mapping) and sort.keys() == {"_score"}:
        order = sort["_score"]
        return order == "desc" or (isinstance(order, Mapping) and order in ({}, {"order": "desc"}))
    return sort is None or sort == [] or sort in BY_SCORE
