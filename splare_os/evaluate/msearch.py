"""Runs from the cluster: BM25 and an encoder's impacts, many queries a request, one at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from opensearchpy import OpenSearch

from ..documents.fields import Fields
from ..errors import EvaluationError
from ..impacts import Impacts
from ..layout import content_field
from ..reply import part, replies_of
from ..search.query.query import Dsl, translate
from .datasets import Queries
from .runs import Hits, Run

BATCH = 64
"""Queries a request."""

TIMEOUT_S = 600.0

T = TypeVar("T")
Search: TypeAlias = tuple[str, Dsl]
"""A query's id and its query clause."""


@dataclass(frozen=True)
class TimedRun:
    """A run, and how long the cluster says that each of its searches took."""

    run: Run
    took_ms: list[int]


def bm25_run(client: OpenSearch, index: str, queries: Queries, *, depth: int) -> TimedRun:
    """Return the best `depth` hits of each query by BM25 over title and text."""
    field = content_field(Fields())
    clauses = ((name, {"match": {field: text}}) for name, text in queries.items())
    return _run(client, index, clauses, depth)


def encoder_run(
    client: OpenSearch, index: str, names: Sequence[str], queries: Impacts, *, depth: int
) -> TimedRun:
    """Return the best `depth` hits of each query by the dot product of impacts.

    `names` are the ids of the queries whose impacts are the rows of `queries`.
    """
    field = f"{Fields().impacts_name}.impacts"
    clauses = ((name, translate(queries[[row]], field)) for row, name in enumerate(names))
    return _run(client, index, clauses, depth)


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of `size`, the last one shorter.

    >>> list(batched("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _run(client: OpenSearch, index: str, searches: Iterable[Search], depth: int) -> TimedRun:
    timed = TimedRun({}, [])
    for batch in batched(searches, BATCH):
        for (name, _), response in zip(batch, _request(client, index, batch, depth), strict=True):
            timed.run[name] = _hits(index, name, response)
            timed.took_ms.append(response["took"])
    return timed


def _request(
    client: OpenSearch, index: str, batch: Sequence[Search], depth: int
) -> list[Mapping[str, Any]]:
    asked = {"size": depth, "_source": False, "track_total_hits": False}
    body = [line for _, clause in batch for line in ({}, {"query": clause} | asked)]
    # one after another: a search that waits for a thread would count its waiting as its own
    params = {"request_timeout": TIMEOUT_S, "max_concurrent_searches": 1}
    return replies_of(client.msearch(index=index, body=body, params=params), len(batch))


def _hits(index: str, query: str, response: Mapping[str, Any]) -> Hits:
    failed = response.get("error") or part(response, "_shards").get("failures")
    if not failed and response["_shards"]["successful"] < response["_shards"]["total"]:
        failed = "not all of its shards answer"
    if failed or response["timed_out"]:
        raise EvaluationError(
            f"index {index!r}, query {query!r}: the search failed "
            f"({failed or 'it timed out'}). What is computed is kept: run the same command again, "
            "with fewer or shorter queries if it is their fault"
        )
    return {hit["_id"]: hit["_score"] for hit in response["hits"]["hits"]}
