"""What a saved object asks the cluster for, as Dashboards would ask: to run it without one.

Source: `opensearch_query_parser.ts` of OpenSearch Dashboards.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .objects import Json, SavedObject
from .vega_lint import CONTEXT, TIME_FIELD

TERMS = frozenset({"field", "size"})

EVERYTHING: Json = {"match_all": {}}


@dataclass(frozen=True)
class Context:
    """What people chose on a dashboard: a query, and a time range from `earliest` to `latest`.

    The two are ISO 8601, or the cluster's words such as `now-24h`.
    """

    query: Mapping[str, Any] | None = None
    earliest: str = "now-100y"
    latest: str = "now+1y"


@dataclass(frozen=True)
class Request:
    """One search: of which index, and its body; `data` is the part of a spec that it is for."""

    index: str
    body: Json
    data: Json | None = None


def spec_of(each: SavedObject) -> Json | None:
    """Return the spec of a visualisation by Vega; None for another object."""
    if each.type != "visualization":
        return None
    state = json.loads(each.attributes["visState"])
    spec: Json | None = json.loads(state["params"]["spec"]) if state["type"] == "vega" else None
    return spec


def spec_requests(spec: Json, context: Context) -> list[Request]:
    """Return what a spec asks for; `data` are the very parts of `spec`."""
    return [_request(data, context) for data in _asking(spec)]


def _asking(value: object) -> Iterator[Json]:
    if isinstance(value, list):
        for inner in value:
            yield from _asking(inner)
    elif isinstance(value, dict):
        if isinstance(value.get("url"), dict):
            yield value
            return
        for inner in value.values():
            yield from _asking(inner)


def _request(data: Json, context: Context) -> Request:
    url, field = data["url"], data["url"].get(TIME_FIELD)
    if "query" in url["body"]:
        return Request(url["index"], url["body"], data)
    query = _query(context, field, with_context=bool(url.get(CONTEXT)))
    return Request(url["index"], url["body"] | {"query": query}, data)


def _query(context: Context, time_field: str | None, *, with_context: bool) -> Json:
    chosen: list[Json] = []
    if with_context and context.query is not None:
        chosen.append(dict(context.query))
    if time_field is not None:
        chosen.append({"range": {time_field: {"gte": context.earliest, "lte": context.latest}}})
    return {"bool": {"must": chosen or [EVERYTHING]}}


def plain_request(each: SavedObject, pattern: SavedObject, context: Context) -> Request | None:
    """Return what a table or a saved search asks for, of its index pattern; None: nothing."""
    index, time_field = pattern.attributes["title"], pattern.attributes.get("timeFieldName")
    query = _query(context, time_field, with_context=True)
    if each.type == "search":
        return Request(index, {"size": 500, "query": query, "sort": _order(each)})
    state = json.loads(each.attributes["visState"]) if each.type == "visualization" else {}
    buckets = [agg for agg in state.get("aggs", []) if agg["schema"] == "bucket"]
    if state.get("type") != "table" or any(agg["type"] != "terms" for agg in buckets):
        return None
    aggs = {
        agg["id"]: {"terms": {key: told for key, told in agg["params"].items() if key in TERMS}}
        for agg in buckets
    }
    return Request(index, {"size": 0, "query": query, "aggs": aggs})


def _order(search: SavedObject) -> list[Json]:
    """Return by what a list of documents is sorted: Dashboards writes one pair, or several."""
    sort = search.attributes.get("sort", [])
    pairs = [sort] if sort and isinstance(sort[0], str) else sort
    return [{field: {"order": way}} for field, way in pairs]


def is_empty(reply: Mapping[str, Any]) -> bool:
    """Return whether a reply has nothing to draw: no document, and no bucket with one."""
    if reply["hits"].get("hits"):
        return False
    return not any(_counts(reply.get("aggregations", {})))


def _counts(value: object) -> Iterator[bool]:
    if isinstance(value, list):
        for inner in value:
            yield from _counts(inner)
    elif isinstance(value, dict):
        if "buckets" in value:
            buckets = value["buckets"]
            listed = buckets.values() if isinstance(buckets, dict) else buckets
            yield from (bucket["doc_count"] > 0 for bucket in listed)
        else:
            for inner in value.values():
                yield from _counts(inner)
