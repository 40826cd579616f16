"""Words and latents in one search: fused by the cluster (neural-search), or here, by two searches.

In an index of one shard both give the same hits, with the same scores in the same order. Of several
shards the cluster fuses the best hits of each, and so finds more than the best of all.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from opensearchpy import OpenSearch
from opensearchpy.exceptions import HTTP_EXCEPTIONS, OpenSearchWarning, TransportError

from ...layout.mapping import content_field
from ...layout.records import FieldRecord
from ...reply import part, replies_of, require_whole, rows
from ..query.query import Dsl
from .fusion import RRF, Fusion, Order, fuse

RawHit: TypeAlias = dict[str, Any]
"""A hit as a server sends it."""

Name: TypeAlias = tuple[str, str]
"""A hit's index and id."""

LOAD = 0.75
"""How full Java lets a hash table become before it is doubled."""


@dataclass(frozen=True)
class Hybrid:
    """How a search for words joins in: `fusion`, and in which fields words are looked for.

    `fields` empty: the field that `splare-os index` copies title and text to, or else those that
    impacts were made of. `native`: the cluster fuses, which needs neural-search ≥ 3.0.
    """

    fusion: Fusion = RRF
    fields: tuple[str, ...] = ()
    native: bool = False

    def check(self, last: int, *, two_step: bool) -> None:
        """Raise `ValueError` where the hits up to the rank `last` cannot be had."""
        if last > self.fusion.depth:
            raise ValueError(
                f"hits up to rank {last}: the best {self.fusion.depth} of each search are fused; "
                "ask for fewer, or give the fusion a greater depth"
            )
        if two_step and self.native:
            raise ValueError("two_step: the cluster cannot fuse it; leave out native")


def words_query(
    client: OpenSearch, index: str, record: FieldRecord, text: str, fields: Sequence[str] = ()
) -> Dsl:
    """Return the query that BM25 answers with, on the `fields` of `Hybrid`."""
    content = content_field(record.document_fields)
    if not fields:
        params = {"include_unmapped": "true"}
        reply = client.field_caps(index=index, fields=content, params=params)
        found = part(reply, "fields", kind=dict)
        fields = [content] if set(found.get(content) or ()) == {"text"} else record.text_fields
    if len(fields) == 1:
        return {"match": {fields[0]: text}}
    return {"multi_match": {"query": text, "fields": list(fields), "lenient": True}}


def search_hybrid(
    client: OpenSearch, index: str, bodies: Sequence[Dsl], wanted: Hybrid, page: Dsl
) -> list[RawHit]:
    """Return the hits of `page` (`from`, `size`, `_source`) of several searches fused, best first.

    `bodies` have a query, with the same filter in each, and maybe a rescore. Where the cluster
    fuses several shards, an `OpenSearchWarning` says that its hits are not quite these.
    """
    if not wanted.native:
        return search_both(client, index, bodies, wanted.fusion, page)
    body = native_body([each["query"] for each in bodies], wanted.fusion)
    reply = client.search(index=index, body={**body, **page})
    require_whole(reply, index)
    if part(reply, "_shards", "total", kind=int) > 1:
        warnings.warn(
            f"{index!r} has several shards: the cluster fuses the best {wanted.fusion.depth} hits "
            "of each, and ranks otherwise than by the best of all",
            OpenSearchWarning,
            stacklevel=2,
        )
    return rows(reply, "hits", "hits")


def hybrid(
    words: Dsl,
    text: str,
    *,
    field: str = "text",
    fusion: Fusion = RRF,
    filter: Dsl | None = None,  # noqa: A002  # as OpenSearch calls it
) -> Dsl:
    """Return the body of a search that fuses the query `words` with a `splare` clause on `text`.

    It is for `SplareOpenSearch` and a cluster with neural-search ≥ 3.0. Only documents that match
    `filter` are found, by either. Give it `size`, `aggs` and so on as any body.
    """
    clause = {"splare": {field: text}}
    return native_body([words, clause], fusion, filter)


def native_body(queries: Sequence[Dsl], fusion: Fusion, filter: Dsl | None = None) -> Dsl:  # noqa: A002
    """Return the body of a search whose `queries` the cluster fuses.

    Of several shards it takes the best `depth` hits of each.
    """
    query: Dsl = {"queries": list(queries), "pagination_depth": fusion.depth}
    if filter is not None:
        query["filter"] = filter
    return {"query": {"hybrid": query}, "search_pipeline": pipeline(fusion)}


def pipeline(fusion: Fusion) -> Dsl:
    """Return the search pipeline that fuses, as `PUT _search/pipeline/…` takes it."""
    if fusion.method == "rrf":
        by_rank: Dsl = {"combination": {"technique": "rrf", "rank_constant": fusion.k}}
        return {"phase_results_processors": [{"score-ranker-processor": by_rank}]}
    by_score: Dsl = {
        "normalization": {"technique": "min_max"},
        "combination": {
            "technique": "arithmetic_mean",
            "parameters": {"weights": list(fusion.weights)},
        },
    }
    return {"phase_results_processors": [{"normalization-processor": by_score}]}


def search_both(
    client: OpenSearch, index: str, bodies: Sequence[Dsl], fusion: Fusion, page: Dsl
) -> list[RawHit]:
    """Return the hits of several searches fused, best first: those of `page`, as it asks for them.

    `bodies` are the searches (a query, a rescore), `page` has `from` and `size`, and what else is
    wanted of hits (`_source`). It takes two requests.
    """
    found = _rankings(client, index, bodies, fusion.depth)
    rankings = [{_name(hit): hit["_score"] for hit in hits} for hits in found]
    fused = fuse(rankings, fusion, _order(found))
    start = page.get("from", 0)
    wanted = [*fused][start : start + page["size"]]
    rest = {key: value for key, value in page.items() if key not in {"from", "size"}}
    hits = _documents(client, index, wanted, rest)
    return [{**hits[name], "_score": fused[name]} for name in wanted if name in hits]


def _rankings(
    client: OpenSearch, index: str, bodies: Sequence[Dsl], depth: int
) -> list[list[RawHit]]:
    """Return the hits of each search, in the order in which the cluster ranks when it fuses."""
    lines: list[Dsl] = []
    for body in bodies:
        asked: Dsl = {"size": depth, "_source": False, "track_total_hits": False}
        if "rescore" not in body:  # equal scores by Lucene's number, on all shards
            asked["sort"] = ["_score", "_doc"]
        lines += [{"index": index}, {**body, **asked}]
    found = []
    for reply in replies_of(client.msearch(body=lines), len(bodies)):
        if "error" in reply:
            status, error = reply.get("status", 500), reply["error"]
            kind = error.get("type") if isinstance(error, Mapping) else str(error)
            raise HTTP_EXCEPTIONS.get(status, TransportError)(status, kind, reply)
        require_whole(reply, index)
        found.append(rows(reply, "hits", "hits"))
    return found


def _order(found: Sequence[Sequence[RawHit]]) -> Order[Name] | None:
    """Return the order of documents of one score: that of the tables in which the cluster fuses.

    They are Java's hash tables of Lucene's document numbers; None where these are not known.
    """
    numbers = {_name(hit): hit["sort"][-1] for hits in found for hit in hits if "sort" in hit}
    if any("sort" not in hit for hits in found for hit in hits):
        return None
    return java_order(numbers)


def java_order(numbers: Mapping[Name, int]) -> Order[Name]:
    """Return the order in which a Java hash table lists these whole numbers, put in one by one.

    Of those in one place, the last put in (by `computeIfAbsent`) comes first.

    >>> places = java_order({("i", "a"): 17, ("i", "b"): 16, ("i", "c"): 33})
    >>> sorted([("i", "a"), ("i", "b"), ("i", "c")], key=places)
    [('i', 'b'), ('i', 'c'), ('i', 'a')]
    """
    size = 16
    while len(numbers) > LOAD * size:
        size *= 2
    met = {name: place for place, name in enumerate(numbers)}

    def order(name: Name) -> tuple[int, int]:
        number = numbers[name]
        return (number ^ (number >> 16)) & (size - 1), -met[name]

    return order


def _name(hit: RawHit) -> Name:
    return hit["_index"], hit["_id"]


def _documents(
    client: OpenSearch, index: str, wanted: Sequence[Name], page: Dsl
) -> dict[Name, RawHit]:
    """Return hits by name; of those that are gone by now, none."""
    if not wanted:
        return {}
    ids = sorted({name for _, name in wanted})
    size = len(ids) * len({concrete for concrete, _ in wanted})  # another index may have an id too
    query = {"bool": {"filter": [{"ids": {"values": ids}}]}}
    reply = client.search(index=index, body={**page, "query": query, "size": size})
    require_whole(reply, index)
    return {_name(hit): hit for hit in rows(reply, "hits", "hits")}
