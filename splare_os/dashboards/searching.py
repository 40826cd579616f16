"""The dashboard of searches: from `splare-search-log`, which a client writes that is asked to."""

from ..search.log.search_log import INDEX
from .objects import Board, Json, Panel, index_pattern, markdown, saved_search, vega
from .vega_lite import (
    COUNT,
    NAME,
    NUMBER,
    SPANS,
    TIME,
    WORDS,
    asked,
    by_time,
    calculate,
    chart,
    each,
    kept,
    layered,
    terms,
    times,
)

PATTERN = "splare-search-log"
AT = "@timestamp"
PERCENTS = (50, 95, 99)
DASHES: Json = {"domain": [f"p{at}" for at in PERCENTS], "range": [[1, 0], [1, 0], [6, 6]]}
"""Of few searches the largest percentiles are the same: the upper line lets the other through."""

HELP = """\
What applications search for: `SplareOpenSearch(…, search_log=SearchLog())` writes a document a
search, or a share of them. **Took** is the server's time, **whole time** the client's, encoding
included. Queries are hashed unless the log is told to keep them."""


def board() -> Board:
    """Return the dashboard."""
    columns = ["index", "route", "arm", "query", "took_ms", "whole_ms", "total"]
    searches = saved_search(
        "splare-search-searches", "Searches, newest first", PATTERN, columns, newest_by=AT
    )
    charts: list[tuple[str, str, Json]] = [
        ("routes", "Searches by route", _routes()),
        ("two-step", "Share of two-step searches", _two_step()),
        ("took", "Took: percentiles of the server's time", _percentiles("took_ms")),
        ("whole", "Whole time: percentiles of the client's", _percentiles("whole_ms")),
        ("arms", "Arms side by side", _arms()),
        ("arms-took", "Took by arm", _arms_took()),
        ("zero-queries", "Queries without a hit", _zero_queries()),
        ("zero-share", "Share of searches without a hit, by route", _zero_share()),
    ]
    return Board(
        name="search",
        id="splare-search",
        title="SPLARE: search",
        description="Searches by route, latency, two-step share, A/B arms, searches without hits",
        panels=[
            Panel(markdown("splare-search-help", "About", HELP), 48, 5),
            *(Panel(vega(f"splare-search-{name}", told, spec)) for name, told, spec in charts),
            Panel(searches, 48, 15),
        ],
        patterns=[index_pattern(f"{INDEX}*", AT, id=PATTERN)],
        time_from="now-24h",
        refresh_s=30,
    )


def _log(name: str, body: Json) -> Json:
    return asked(name, f"{INDEX}*", body, time_field=AT)


def _over_time(aggs: Json) -> Json:
    return _log("times", by_time(AT, aggs))


def _routes() -> Json:
    steps = [
        *times(inner="routes"),
        calculate("route", "datum.inner.key"),
        calculate("searches", "datum.inner.doc_count"),
    ]
    encoding = SPANS | {
        "y": {"field": "searches", "title": "searches"} | COUNT,
        "color": {"field": "route", "title": None} | NAME,
    }
    return chart(_over_time({"routes": terms("route")}), steps, "bar", encoding)


def _two_step() -> Json:
    is_two_step = {"two_step": {"filter": {"term": {"route": "two-step"}}}}
    steps = [
        *times(),
        kept("datum.span.doc_count > 0"),
        calculate("share", "datum.span.two_step.doc_count / datum.span.doc_count"),
    ]
    y = {"field": "share", "title": "of all searches", "scale": {"domain": [0, 1]}}
    encoding = {
        "x": {"field": "time"} | TIME,
        "y": y | {"axis": {"format": "%"}} | NUMBER,
    }
    mark = {"type": "area", "line": True, "point": True, "opacity": 0.5}
    return chart(_over_time(is_two_step), steps, mark, encoding)


def _percentiles(field: str) -> Json:
    percentiles = {"percentiles": {"field": field, "percents": list(PERCENTS), "keyed": False}}
    steps = [
        *times(),
        *each("at", "percentiles.values", of="datum.span"),
        calculate("percentile", "'p' + datum.at.key"),
        calculate("ms", "datum.at.value"),
        kept("isValid(datum.ms)"),
    ]
    encoding = {
        "x": {"field": "time"} | TIME,
        "y": {"field": "ms", "title": "ms"} | NUMBER,
        "color": {"field": "percentile", "title": None} | NAME,
        "strokeDash": {"field": "percentile", "legend": None, "scale": DASHES} | NAME,
    }
    data = _over_time({"percentiles": percentiles})
    return chart(data, steps, {"type": "line", "point": True}, encoding)


def _by_arm() -> Json:
    percentiles = {"field": "took_ms", "percents": [50, 95], "keyed": False}
    aggs = {
        "took": {"percentiles": percentiles},
        "total": {"avg": {"field": "total"}},
        "zero": {"filter": {"term": {"zero_hits": True}}},
    }
    return _log("arms", {"size": 0, "aggs": {"arms": terms("arm", missing="—") | {"aggs": aggs}}})


def _arms() -> Json:
    steps = [
        *each("arm", "arms.buckets"),
        calculate("name", "datum.arm.key"),
        calculate("searches", "format(datum.arm.doc_count, ',')"),
        calculate("without hits", "format(datum.arm.zero.doc_count / datum.arm.doc_count, '.1%')"),
        calculate("p50 ms", "format(datum.arm.took.values[0].value, ',.1f')"),
        calculate("p95 ms", "format(datum.arm.took.values[1].value, ',.1f')"),
        calculate("mean total", "format(datum.arm.total.value, ',.0f')"),
    ]
    columns = ["searches", "without hits", "p50 ms", "p95 ms", "mean total"]
    steps.append({"fold": columns, "as": ["measure", "said"]})
    axis = {"orient": "top", "labelAngle": 0, "domain": False, "ticks": False}
    encoding = {
        "y": {"field": "name", "title": "arm"} | NAME,
        "x": {"field": "measure", "title": None, "sort": columns, "axis": axis} | NAME,
    }
    words = {"text": {"field": "said"} | NAME}
    return layered(
        _by_arm(),
        steps,
        encoding,
        {
            "mark": {"type": "rect", "opacity": 0.12},
            "encoding": {"color": {"field": "name", "legend": None} | NAME},
        },
        {"mark": WORDS | {"fontSize": 14}, "encoding": words},
    )


def _arms_took() -> Json:
    steps = [
        *each("arm", "arms.buckets"),
        calculate("name", "datum.arm.key"),
        *each("at", "took.values", of="datum.arm"),
        calculate("percentile", "'p' + datum.at.key"),
        calculate("ms", "datum.at.value"),
        calculate("column", "datum.name + ' ' + datum.percentile"),
    ]
    axis = {"labelAngle": 0, "labelOverlap": True}
    encoding = {
        "x": {"field": "column", "title": "arm", "sort": None, "axis": axis} | NAME,
        "y": {"field": "ms", "title": "ms"} | NUMBER,
        "color": {"field": "percentile", "title": None} | NAME,
    }
    return chart(_by_arm(), steps, "bar", encoding)


def _zero_queries() -> Json:
    queries = {
        "zero": {"filter": {"term": {"zero_hits": True}}, "aggs": {"queries": terms("query", 20)}}
    }
    steps = [
        *each("query", "zero.queries.buckets"),
        calculate("name", "datum.query.key"),
        calculate("searches", "datum.query.doc_count"),
    ]
    encoding = {
        "y": {"field": "name", "title": None, "sort": "-x"} | NAME,
        "x": {"field": "searches", "title": "searches"} | COUNT,
    }
    return chart(_log("zero", {"size": 0, "aggs": queries}), steps, "bar", encoding)


def _zero_share() -> Json:
    zero = {"aggs": {"zero": {"filter": {"term": {"zero_hits": True}}}}}
    steps = [
        *each("route", "routes.buckets"),
        calculate("name", "datum.route.key"),
        calculate("share", "datum.route.zero.doc_count / datum.route.doc_count"),
    ]
    x = {"field": "share", "title": "of the searches of a route", "scale": {"domain": [0, 1]}}
    encoding = {
        "y": {"field": "name", "title": None} | NAME,
        "x": x | {"axis": {"format": "%"}} | NUMBER,
    }
    body = {"size": 0, "aggs": {"routes": terms("route") | zero}}
    return chart(_log("routes", body), steps, "bar", encoding)
