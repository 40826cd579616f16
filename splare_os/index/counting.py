"""Statistics of a field taken from its index: counted latent by latent, or from a sample.

Both see the documents as they are now, deleted ones left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from opensearchpy import OpenSearch

from ..errors import MappingError
from ..impacts import from_features
from ..statistics import Statistics

BATCH = 1000
"""Latents counted a request: one aggregation does a search's work for each of them."""

MAX_SAMPLE = 10_000
"""A server returns no more hits at once."""

MOST_COUNTED = 200_000
"""Documents that are all looked at, unless a sample is asked for."""

TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Taken:
    """Statistics taken from an index; `sampled` documents were looked at, None: all."""

    statistics: Statistics
    sampled: int | None = None


def take_statistics(
    client: OpenSearch, index: str, field: str, n_latents: int, *, sample: int | None = None
) -> Taken:
    """Return the statistics of `field`: of all documents, or of a sample where there are many.

    `sample` documents are looked at if it is given; else all, if there are at most `MOST_COUNTED`.
    """
    if sample is None and count_documents(client, index, field) > MOST_COUNTED:
        sample = MAX_SAMPLE
    if sample is None:
        return Taken(count_statistics(client, index, field, n_latents))
    return Taken(sample_statistics(client, index, field, n_latents, sample=sample), sample)


def count_statistics(client: OpenSearch, index: str, field: str, n_latents: int) -> Statistics:
    """Return the statistics of all documents of `field` in a concrete index.

    Every posting of the field is read once.
    """
    documents = count_documents(client, index, field)
    frequency = np.fromiter(_frequencies(client, index, field, n_latents), np.float64, n_latents)
    return Statistics(documents, frequency, _length(client, index, field))


def sample_statistics(
    client: OpenSearch, index: str, field: str, n_latents: int, *, sample: int, seed: int = 0
) -> Statistics:
    """Return the statistics of all documents as `sample` of them, drawn at random, tell them.

    Of a latent that a share p of the documents shows, the share found has a standard error of
    √(p · (1 − p) / sample). `MappingError` where impacts are not in `_source`.
    """
    if not 1 <= sample <= MAX_SAMPLE:
        raise ValueError(f"sample={sample}: look at 1 to {MAX_SAMPLE} documents")
    documents = count_documents(client, index, field)
    objects = _drawn(client, index, field, sample, seed)
    features = [ours.get("impacts") or {} for ours in objects]
    if any(not found and ours.get("count") for found, ours in zip(features, objects, strict=True)):
        raise MappingError(
            f"index {index!r} keeps impacts of {field!r} out of _source: count its statistics, "
            "without a sample"
        )
    if not features:
        return Statistics.none(n_latents)
    found = Statistics.of(from_features(features, n_latents))
    lengths = sum(float(ours.get("length", 0.0)) for ours in objects)
    return Statistics(found.documents, found.document_frequency, lengths).scaled(documents)


def standard_error(share: float, sample: int) -> float:
    """Return by how much of itself a share of documents may be off, as found in a sample.

    >>> round(standard_error(0.01, 9_900), 3)
    0.1
    """
    return float(np.sqrt((1 - share) / (share * sample)))


def count_documents(client: OpenSearch, index: str, field: str) -> int:
    """Return the number of documents that the worker has seen, with impacts or without."""
    return int(client.count(index=index, body={"query": _has(field)})["count"])


def _has(field: str) -> dict[str, Any]:
    names = (f"{field}.count", f"{field}.latents")
    return {"bool": {"should": [{"exists": {"field": name}} for name in names]}}


def _frequencies(client: OpenSearch, index: str, field: str, n_latents: int) -> Iterator[float]:
    for first in range(0, n_latents, BATCH):
        latents = range(first, min(first + BATCH, n_latents))
        filters = [_shows(field, latent) for latent in latents]
        body = {"size": 0, "aggs": {"latents": {"filters": {"filters": filters}}}}
        reply = client.search(index=index, body=body, params={"request_timeout": TIMEOUT_S})
        if reply["_shards"]["failed"] or reply["timed_out"]:
            raise MappingError(
                f"index {index!r}: latents cannot be counted on all of its shards "
                f"({reply['_shards']}): try again when it is well"
            )
        for bucket in reply["aggregations"]["latents"]["buckets"]:
            yield float(bucket["doc_count"])


def _shows(field: str, latent: int) -> dict[str, Any]:
    return {"rank_feature": {"field": f"{field}.impacts.{latent}", "linear": {}}}


def _length(client: OpenSearch, index: str, field: str) -> float:
    total = {"length": {"sum": {"field": f"{field}.length"}}}
    reply = client.search(index=index, body={"size": 0, "aggs": total})
    return float(reply["aggregations"]["length"]["value"])


def _drawn(
    client: OpenSearch, index: str, field: str, sample: int, seed: int
) -> Sequence[dict[str, Any]]:
    random = {"query": _has(field), "random_score": {"seed": seed, "field": "_seq_no"}}
    wanted = [f"{field}.impacts", f"{field}.count", f"{field}.length"]
    body = {"size": sample, "query": {"function_score": random}, "_source": wanted}
    reply = client.search(index=index, body=body, params={"request_timeout": TIMEOUT_S})
    return [hit["_source"].get(field, {}) for hit in reply["hits"]["hits"]]
