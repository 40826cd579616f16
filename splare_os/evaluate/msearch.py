"""Runs from the cluster: BM25 and an encoder's impacts, many queries a request."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from opensearchpy import OpenSearch

from ..encoders import Encoder
from ..errors import EvaluationError
from ..index import content_field, impacts_field
from ..search.query import Dsl, translate
from ..text import Fields
from .datasets import Queries
from .runs import Hits, Run

BATCH = 64
"""Queries a request."""

TIMEOUT_S = 120.0

T = TypeVar("T")
Search: TypeAlias = tuple[str, Dsl]
"""A query's id and its query clause."""


def bm25_run(client: OpenSearch, index: str, queries: Queries, *, depth: int) -> Run:
    """Return the best `depth` hits of each query by BM25 over title and text."""
    field = content_field(Fields())
    clauses = ((name, {"match": {field: text}}) for name, text in queries.items())
    return _run(client, index, clauses, depth)


def encoder_run(
    client: OpenSearch, index: str, encoder: Encoder, queries: Queries, *, depth: int
) -> Run:
    """Return the best `depth` hits of each query by the dot product of impacts."""
    return _run(client, index, _translated(encoder, queries), depth)


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of `size`, the last one shorter.

    >>> list(batched("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _translated(encoder: Encoder, queries: Queries) -> Iterator[Search]:
    field = f"{impacts_field(Fields().text)}.impacts"
    for batch in batched(queries.items(), BATCH):
        impacts = encoder.encode_queries([text for _, text in batch])
        for row, (name, _) in enumerate(batch):
            yield name, translate(impacts[[row]], field)


def _run(client: OpenSearch, index: str, searches: Iterable[Search], depth: int) -> Run:
    run: Run = {}
    for batch in batched(searches, BATCH):
        run |= _request(client, index, batch, depth)
    return run


def _request(client: OpenSearch, index: str, batch: Sequence[Search], depth: int) -> Run:
    asked = {"size": depth, "_source": False, "track_total_hits": False}
    body = [line for _, clause in batch for line in ({}, {"query": clause} | asked)]
    reply = client.msearch(index=index, body=body, params={"request_timeout": TIMEOUT_S})
    return {
        name: _hits(index, name, response)
        for (name, _), response in zip(batch, reply["responses"], strict=True)
    }


def _hits(index: str, query: str, response: Mapping[str, Any]) -> Hits:
    failed = response.get("error") or response["_shards"].get("failures")
    if failed or response["timed_out"]:
        raise EvaluationError(
            f"index {index!r}, query {query!r}: the search failed "
            f"({failed or 'it timed out'}). Nothing is lost: run the same command again"
        )
    return {hit["_id"]: hit["_score"] for hit in response["hits"]["hits"]}
