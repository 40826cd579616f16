"""The dashboard of running and finished jobs: from `splare-ops`, which `--report-to-cluster` fills.

A document there is a snapshot of a job, its counters those since the beginning. What a job is like
now stands in its last one.
"""

from collections.abc import Sequence

from ..index.report import INDEX
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

PATTERN = "splare-ops"
AT = "@timestamp"
OUTCOMES = ("indexed", "unchanged", "replaced", "empty", "dead", "moved", "gone")
STAGES = ("read", "encode", "serialise", "cluster", "record", "pause")
COLORS = ("#209280", "#79aad9", "#9170b8", "#aa6556", "#e7664c", "#d6bf57", "#b9a888")
OUTCOME_COLORS = {"domain": list(OUTCOMES), "range": list(COLORS)}
JOB_COLOR: Json = {
    "field": "job",
    "title": None,
    "legend": {"orient": "bottom", "columns": 2},
} | NAME
STAGE_COLOR: Json = {"field": "stage", "scale": {"domain": list(STAGES)}, "title": None} | NAME

MOST_JOBS = 12
"""As many as a panel has rows for."""

MOST_LINES = 6
"""As many as can be told apart by colour, and named below a chart."""

HELP = f"""\
What indexing jobs and backfills do: `splare-os index … --report-to-cluster splare-ops` (or
`backfill`) writes a document each `--report-every` seconds. **Jobs** are as their last report says,
the {MOST_JOBS} that reported last, the newest on top; one that stopped has ended, or hangs. Lines
and bars by job are of the {MOST_LINES} that reported last."""


def board() -> Board:
    """Return the dashboard."""
    columns = ["job", "index", "documents", "documents_per_s", "resent", "bottleneck", "eta_s"]
    title = "Reports of jobs, newest first"
    reports = saved_search("splare-ingestion-reports", title, PATTERN, columns, newest_by=AT)
    charts: list[tuple[str, str, Json]] = [
        ("jobs", "Jobs: share read, time left, last report", _jobs()),
        ("outcomes", "Outcomes of documents", _outcomes()),
        ("rate", "Documents a second", _per_job("documents_per_s", "documents / s")),
        ("bytes", "MB a second to the cluster", _per_job("mb_per_s", "MB / s")),
        ("stages", "Where the time goes", _stages()),
        ("encoder-cluster", "Encoder against cluster", _encoder_against_cluster()),
        ("resent", "Documents sent again", _resent()),
        ("dead", "Dead letters by reason", _dead()),
        ("left", "Time left", _per_job("eta_s", "seconds left")),
        ("in-flight", "Requests in the air", _per_job("in_flight", "chunks")),
    ]
    return Board(
        name="ingestion",
        id="splare-ingestion",
        title="SPLARE: ingestion",
        description="What indexing jobs do: outcomes, throughput, retries, dead letters, time left",
        panels=[
            Panel(markdown("splare-ingestion-help", "About", HELP), 48, 6),
            *(Panel(vega(f"splare-ingestion-{name}", told, spec)) for name, told, spec in charts),
            Panel(reports, 48, 15),
        ],
        patterns=[index_pattern(f"{INDEX}*", AT, id=PATTERN)],
        time_from="now-24h",
        refresh_s=10,
    )


def _last_reports(size: int = MOST_JOBS) -> Json:
    order = [{AT: {"order": "desc", "unmapped_type": "date"}}]
    body = {"size": size, "sort": order, "collapse": {"field": "job"}}
    return asked("last", f"{INDEX}*", body, time_field=AT, hits=True)


def _over_time(aggs: Json) -> Json:
    return asked("times", f"{INDEX}*", by_time(AT, aggs), time_field=AT)


def _duration(seconds: str) -> str:
    """Return the expression of a time in the unit in which it has one to three digits."""
    units = (("s", 1, 120), ("min", 60, 7_200), ("h", 3_600, 172_800))
    told = [
        f"{seconds} < {end} ? format({seconds} / {one}, '.0f') + ' {unit}'"
        for unit, one, end in units
    ]
    return f"({' : '.join(told)} : format({seconds} / 86400, ',.0f') + ' d')"


def _jobs() -> Json:
    steps = [
        calculate("job", "datum._source.job"),
        calculate("done", "isValid(datum._source.done) ? datum._source.done : 0"),
        calculate("left", "isValid(datum._source.eta_s) ? datum._source.eta_s : -1"),
        calculate("ago", "(now() - toNumber(toDate(datum._source['@timestamp']))) / 1000"),
        calculate("rest", f"datum.left > 0 ? ', ' + {_duration('datum.left')} + ' left' : ''"),
        calculate(
            "said",
            "format(datum._source.documents, ',') + ' documents' + datum.rest"
            f" + ', told ' + {_duration('datum.ago')} + ' ago'",
        ),
    ]
    x = {"field": "done", "title": "share of the sources", "scale": {"domain": [0, 1]}}
    encoding = {"y": {"field": "job", "title": None, "sort": None} | NAME}
    bars = {"x": x | {"axis": {"format": "%"}} | NUMBER, "color": {"value": "#4c78a8"}}
    return _told(_last_reports(), steps, encoding, bars)


def _outcomes() -> Json:
    """Return bars of outcomes, and their numbers in words: a few dead among millions are seen."""
    steps = [calculate("job", "datum._source.job"), _counted()]
    rows = [
        {"fold": [f"_source.outcomes.{name}" for name in OUTCOMES], "as": ["path", "documents"]},
        calculate("outcome", "split(datum.path, '.')[2]"),
        kept("datum.documents > 0"),
    ]
    bars = {
        "x": {"field": "documents", "stack": True, "title": "documents"} | COUNT,
        "color": {"field": "outcome", "scale": OUTCOME_COLORS, "title": None} | NAME,
        "tooltip": [{"field": "outcome"} | NAME, {"field": "documents", "format": ","} | NUMBER],
    }
    encoding = {"y": {"field": "job", "title": None, "sort": None} | NAME}
    return _told(_last_reports(), steps, encoding, bars, rows=rows)


def _newest() -> list[Json]:
    """Return the steps that keep the jobs that reported last, of rows with `job` and `time`."""
    last = {"op": "max", "field": "time", "as": "last"}
    order = [{"field": "last", "order": "descending"}, {"field": "job"}]
    return [
        {"joinaggregate": [last], "groupby": ["job"]},
        {"window": [{"op": "dense_rank", "as": "age"}], "sort": order},
        kept(f"datum.age <= {MOST_LINES}"),
    ]


def _per_job(field: str, unit: str) -> Json:
    aggs = {"jobs": terms("job") | {"aggs": {"value": {"avg": {"field": field}}}}}
    steps = [
        *times(inner="jobs"),
        calculate("job", "datum.inner.key"),
        calculate("value", "datum.inner.value.value"),
        kept("isValid(datum.value)"),
        *_newest(),
    ]
    encoding = {
        "x": {"field": "time"} | TIME,
        "y": {"field": "value", "title": unit} | NUMBER,
        "color": JOB_COLOR,
    }
    return chart(_over_time(aggs), steps, {"type": "line", "point": True}, encoding)


def _stages() -> Json:
    aggs = {name: {"avg": {"field": f"busy.{name}"}} for name in STAGES}
    steps = [
        *times(),
        {"fold": [f"span.{name}.value" for name in STAGES], "as": ["path", "share"]},
        calculate("stage", "split(datum.path, '.')[1]"),
        kept("isValid(datum.share)"),
    ]
    encoding = SPANS | {
        "y": {"field": "share", "title": "share of the time", "axis": {"format": "%"}} | NUMBER,
        "color": STAGE_COLOR,
    }
    return chart(_over_time(aggs), steps, "bar", encoding)


def _encoder_against_cluster() -> Json:
    both: Json = {name: {"avg": {"field": f"busy.{name}"}} for name in ("encode", "cluster")}
    newest = terms("job", MOST_LINES, order={"last": "desc"})
    newest["aggs"] = both | {"last": {"max": {"field": AT}}}
    body = {"size": 0, "aggs": {"jobs": newest}}
    steps = [
        *each("job", "jobs.buckets"),
        {"fold": ["job.encode.value", "job.cluster.value"], "as": ["path", "share"]},
        calculate("stage", "split(datum.path, '.')[1]"),
        kept("isValid(datum.share)"),
        calculate("row", "datum.stage + ': ' + datum.job.key"),
        calculate("said", "format(datum.share, '.1%')"),
    ]
    x = {"field": "share", "title": "mean share of the time", "axis": {"format": "%"}}
    encoding = {"y": {"field": "row", "title": None, "sort": None} | NAME}
    bars = {"x": x | NUMBER, "color": STAGE_COLOR | {"legend": None}}
    return _told(asked("jobs", f"{INDEX}*", body, time_field=AT), steps, encoding, bars)


def _counted() -> Json:
    """Return the step that tells how many documents had each outcome, but for those without."""
    found = "datum._source.outcomes"
    told = [
        f"({found}.{one} ? ', ' + format({found}.{one}, ',') + ' {one}' : '')" for one in OUTCOMES
    ]
    return calculate("said", f"slice({' + '.join(told)}, 2)")


def _told(
    data: Json, steps: list[Json], encoding: Json, bars: Json, *, rows: Sequence[Json] = ()
) -> Json:
    """Return pale bars with what is `said` of each upon it, whole; `rows`: steps of bars alone."""
    words = {"x": {"value": 0}, "text": {"field": "said"} | NAME}
    return layered(
        data,
        steps,
        encoding,
        {"transform": list(rows), "mark": {"type": "bar", "opacity": 0.3}, "encoding": bars},
        {"mark": WORDS | {"align": "left", "dx": 4, "clip": True}, "encoding": words},
    )


def _resent() -> Json:
    most = {"most": {"max": {"field": "resent"}}, "least": {"min": {"field": "resent"}}}
    aggs = {"jobs": terms("job") | {"aggs": most}}
    before = {"op": "lag", "field": "most", "as": "before"}
    steps = [
        *times(inner="jobs"),
        calculate("job", "datum.inner.key"),
        calculate("most", "datum.inner.most.value"),
        {"window": [before], "groupby": ["job"], "sort": [{"field": "time"}]},
        calculate("since", "isValid(datum.before) ? datum.before : datum.inner.least.value"),
        # a job that begins anew counts from 0
        calculate("resent", "datum.most < datum.since ? datum.most : datum.most - datum.since"),
        *_newest(),
    ]
    encoding = SPANS | {
        "y": {"field": "resent", "title": "documents"} | COUNT,
        "color": JOB_COLOR,
    }
    return chart(_over_time(aggs), steps, "bar", encoding)


def _dead() -> Json:
    steps = [
        *each("dead", "dead_reasons", of="datum._source"),
        calculate("reason", "datum.dead.reason"),
        calculate("n", "datum.dead.documents"),
        {"aggregate": [{"op": "sum", "field": "n", "as": "documents"}], "groupby": ["reason"]},
        calculate("said", "format(datum.documents, ',') + ' · ' + datum.reason"),
    ]
    most_first = {"field": "documents", "op": "max", "order": "descending"}
    encoding = {"y": {"field": "reason", "sort": most_first, "axis": None} | NAME}
    x = {"field": "documents", "title": "documents"} | COUNT
    bars = {"x": x, "color": {"value": COLORS[4]}}
    return _told(_last_reports(100), steps, encoding, bars)
