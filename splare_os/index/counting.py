"""Statistics of a field taken from its index: counted latent by latent, or from a sample.

Both see the documents as they are now, deleted ones left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from opensearchpy import OpenSearch

from ..errors import StatisticsError
from ..layout.field import statistics_of
from ..reply import part, require_whole, rows
from ..statistics import Statistics

BATCH = 1000
"""Latents counted a request: one aggregation does a search's work for each of them."""

MAX_SAMPLE = 10_000
"""A server returns no more hits at once."""

MOST_COUNTED = 200_000
"""Documents that are all looked at, unless a sample is asked for."""

TIMEOUT_S = 600

Json: TypeAlias = dict[str, Any]


class NotInSourceError(StatisticsError):
    """Impacts are not in `_source`, so that none can be looked at."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Statistics taken from an index; `sampled` documents were looked at, None: all."""

    statistics: Statistics
    sampled: int | None = None


def take_statistics(
    client: OpenSearch, index: str, field: str, n_latents: int, *, sample: int | None = None
) -> Taken:
    """Return the statistics of `field`: of all documents, or of a sample where there are many.

    `sample` documents are looked at if it is given; else all, if there are at most `MOST_COUNTED`,
    or if impacts are not in `_source`, from where a sample has them.
    """
    if sample is not None:
        return sample_statistics(client, index, field, n_latents, sample=sample)
    if count_documents(client, index, field) > MOST_COUNTED:
        try:
            return sample_statistics(client, index, field, n_latents, sample=MAX_SAMPLE)
        except NotInSourceError:
            pass
    return Taken(count_statistics(client, index, field, n_latents))


def count_statistics(client: OpenSearch, index: str, field: str, n_latents: int) -> Statistics:
    """Return the statistics of all documents of `field` in a concrete index.

    Every posting of the field is read once.
    """
    documents = count_documents(client, index, field)
    frequency = np.fromiter(_frequencies(client, index, field, n_latents), np.float64, n_latents)
    return Statistics(documents, frequency, _length(client, index, field))


def sample_statistics(
    client: OpenSearch, index: str, field: str, n_latents: int, *, sample: int, seed: int = 0
) -> Taken:
    """Return the statistics of all documents as `sample` of them, drawn at random, tell them.

    Of a latent that a share p of the documents shows, the share found has a standard error of
    √(p · (1 − p) / sample). `NotInSourceError` where impacts are not in `_source`.
    """
    check_sample(sample)
    documents = count_documents(client, index, field)
    objects = _drawn(client, index, field, sample, seed)
    if any(isinstance(ours, dict) and ours.get("count") for ours in objects) and not any(
        isinstance(ours, dict) and "impacts" in ours for ours in objects
    ):
        raise NotInSourceError(
            f"index {index!r} keeps impacts of {field!r} out of _source: count its statistics, "
            "without a sample"
        )
    found = statistics_of(objects, n_latents)
    if len(objects) >= documents:
        return Taken(found)
    return Taken(found.scaled(documents), len(objects))


def check_sample(sample: int | None) -> None:
    """Raise `ValueError` for a number of documents that cannot be looked at; None: all."""
    if sample is not None and not 1 <= sample <= MAX_SAMPLE:
        raise ValueError(f"sample={sample}: look at 1 to {MAX_SAMPLE} documents")


def standard_error(share: float, sample: int) -> float:
    """Return by how much of itself a share of documents may be off, as found in a sample.

    >>> round(standard_error(0.01, 9_900), 3)
    0.1
    """
    return float(np.sqrt((1 - share) / (share * sample)))


def count_documents(client: OpenSearch, index: str, field: str) -> int:
    """Return the number of documents that the worker has seen, with impacts or without."""
    body = {"size": 0, "track_total_hits": True, "query": _has(field)}
    return part(_asked(client, index, body), "hits", "total", "value", kind=int)


def _has(field: str) -> Json:
    names = (f"{field}.count", f"{field}.latents")
    return {"bool": {"should": [{"exists": {"field": name}} for name in names]}}


def _frequencies(client: OpenSearch, index: str, field: str, n_latents: int) -> Iterator[float]:
    for first in range(0, n_latents, BATCH):
        latents = range(first, min(first + BATCH, n_latents))
        filters = [_shows(field, latent) for latent in latents]
        body = {"size": 0, "aggs": {"latents": {"filters": {"filters": filters}}}}
        reply = _asked(client, index, body)
        for bucket in rows(reply, "aggregations", "latents", "buckets"):
            yield float(part(bucket, "doc_count", kind=int))


def _shows(field: str, latent: int) -> Json:
    return {"rank_feature": {"field": f"{field}.impacts.{latent}", "linear": {}}}


def _length(client: OpenSearch, index: str, field: str) -> float:
    total = {"length": {"sum": {"field": f"{field}.length"}}}
    reply = _asked(client, index, {"size": 0, "aggs": total})
    return float(part(reply, "aggregations", "length", "value", kind=float))


def _drawn(client: OpenSearch, index: str, field: str, sample: int, seed: int) -> Sequence[object]:
    random = {
        "query": {"bool": {"filter": [_has(field)]}},
        "random_score": {"seed": seed, "field": "_seq_no"},
        "boost_mode": "replace",  # all alike: a score of its own would favour some documents
    }
    wanted = [f"{field}.impacts", f"{field}.count", f"{field}.length"]
    body = {"size": sample, "query": {"function_score": random}, "_source": wanted}
    hits = rows(_asked(client, index, body), "hits", "hits")
    return [part(hit, "_source", kind=dict).get(field) for hit in hits]


def _asked(client: OpenSearch, index: str, body: Json) -> Json:
    """Return the reply to a search; `ReplyError` unless all shards gave it: it may pass."""
    reply: Json = client.search(index=index, body=body, params={"request_timeout": TIMEOUT_S})
    require_whole(reply, index)
    return reply
