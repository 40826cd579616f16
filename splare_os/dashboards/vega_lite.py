"""Pieces of Vega-Lite specs, as Dashboards draws them from what the cluster answers.

Each panel has one request (and one more for labels). A cluster without the index yet answers
without aggregations: that draws an empty chart, and no error. Times are cut by
`auto_date_histogram`: the `%autointerval%` of Dashboards gives `1w` and `1y`, which
`fixed_interval` refuses.
"""

from collections.abc import Sequence
from typing import TypeAlias

from ..layout.labels import INDEX
from .objects import Json

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"

LABELS = f"{INDEX}*"
"""Labels of latents; with a star, an index that is not there is no error."""

Step: TypeAlias = Json
"""One transform."""

NUMBER = {"type": "quantitative"}
NAME = {"type": "nominal"}
TIME: Json = {"type": "temporal", "title": None}
WHOLE = "datum.value % 1 ? '' : format(datum.value, ',')"
COUNT: Json = NUMBER | {"axis": {"tickMinStep": 1, "labelExpr": WHOLE}}
"""Things that are counted: older Vega-Lite loses the step of an axis, so halves have no label."""
SPANS: Json = {
    "x": {"field": "time", "bin": "binned"} | TIME,
    "x2": {"field": "until"},
}
"""Bars as wide as the spans of `times`."""

UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "M": 2_629_800_000}
YEAR_MS = 31_557_600_000
"""Milliseconds of the units of intervals, as `auto_date_histogram` names them: 5s, 3h, 1M, 1y."""

FORMATS = {
    "s": "timeFormat(datum.time, '%H:%M:%S')",
    "m": "timeFormat(datum.time, '%b %d, %H:%M')",
    "h": "timeFormat(datum.time, '%b %d, %H:%M')",
    "d": "utcFormat(datum.time, '%b %d, %Y')",
    "M": "utcFormat(datum.time, '%b %Y')",
}
PERIOD = (
    " : ".join(f"datum.unit == '{unit}' ? {told}" for unit, told in FORMATS.items())
    + " : utcFormat(datum.time, '%Y')"
)
"""A span of `times` as a name, no finer than it is: days and longer ones are cut in UTC."""

CONFIG: Json = {
    "axis": {"labelLimit": 260},
    "legend": {"labelLimit": 260},
    "mark": {"tooltip": True},  # what is cut, and the number behind a bar or a point
    "kibana": {"hideWarnings": True},  # "Infinite extent …" upon each chart without data
}

WORDS: Json = {"type": "text", "style": "group-subtitle", "filled": None, "strokeOpacity": 0}
"""Words, in the colour that Dashboards gives that style on its light or dark ground.

Vega-Lite would set a colour of its own over that of a style, unless it is told of no filling; then
it draws their outlines in that colour, which are not to be seen.
"""


def chart(data: Json, steps: Sequence[Step], mark: Json | str, encoding: Json) -> Json:
    """Return the spec of one chart that fills its panel."""
    return _filling(data, steps) | {"mark": mark, "encoding": encoding}


def layered(data: Json, steps: Sequence[Step], encoding: Json, *layers: Json) -> Json:
    """Return the spec of several charts, one upon the other, with a common encoding."""
    return _filling(data, steps) | {"encoding": encoding, "layer": list(layers)}


def _filling(data: Json, steps: Sequence[Step]) -> Json:
    return {
        "$schema": SCHEMA,
        "autosize": {"type": "fit", "contains": "padding"},
        "width": "container",
        "height": "container",
        "config": CONFIG,
        "data": data,
        "transform": list(steps),
    }


def asked(
    name: str,
    index: str,
    body: Json,
    *,
    time_field: str | None = None,
    hits: bool = False,
    in_context: bool = True,
) -> Json:
    """Return data that the cluster is asked for; `hits`: a row is a hit, not the whole reply.

    `in_context`: only of documents that the dashboard's query and filters select; with a
    `time_field`, only of its time range.
    """
    url: Json = {"index": index, "body": body}
    if in_context:
        url["%context%"] = True
    if time_field is not None:
        url["%timefield%"] = time_field
    shape = {"format": {"property": "hits.hits"}} if hits else {}
    return {"name": name, "url": url} | shape


def calculate(name: str, expression: str) -> Step:
    """Return the step that adds a field."""
    return {"calculate": expression, "as": name}


def kept(expression: str) -> Step:
    """Return the step that keeps some rows."""
    return {"filter": expression}


def each(name: str, path: str, *, of: str = "datum.aggregations") -> list[Step]:
    """Return the steps that make a row of each entry of a list, called `name`.

    `path` is where the list is below `of`; where `of` is not there, there are no rows.
    """
    found = f"isValid({of}) && isValid({of}.{path}) ? {of}.{path} : []"
    return [calculate(name, found), {"flatten": [name]}]


def by_time(field: str, aggs: Json, *, buckets: int = 40) -> Json:
    """Return the body that asks for `aggs` in each of at most `buckets` spans of time."""
    times = {"auto_date_histogram": {"field": field, "buckets": buckets}, "aggs": aggs}
    return {"size": 0, "aggs": {"times": times}}


def times(*, inner: str | None = None) -> list[Step]:
    """Return the steps that make a row of each span of time, or of each bucket `inner` in it.

    It is from `time` to `until`; a month has 30.4 days there.
    """
    units = " : ".join(f"datum.unit == '{unit}' ? {ms}" for unit, ms in UNITS_MS.items())
    steps = [
        *each("span", "times.buckets"),
        calculate("time", "toDate(datum.span.key)"),
        calculate("every", "datum.span ? datum.aggregations.times.interval : '1s'"),
        calculate("unit", "slice(datum.every, -1)"),
        calculate("unit_ms", f"{units} : {YEAR_MS}"),
        calculate("span_ms", "toNumber(slice(datum.every, 0, -1)) * datum.unit_ms"),
        calculate("until", "toDate(toNumber(datum.time) + datum.span_ms)"),
    ]
    if inner is not None:
        steps += each("inner", f"{inner}.buckets", of="datum.span")
    return steps


def terms(field: str, size: int = 10, **more: object) -> Json:
    """Return an aggregation by the values of a field."""
    return {"terms": {"field": field, "size": size} | more}


def labelled(latent: str, fingerprint: str | None) -> list[Step]:
    """Return the steps that add `name`: the number of a latent, and its label if it has one.

    Labels are those of the model of the fingerprint; without one, no label is shown.
    """
    number = calculate("latent", f"toString({latent})")
    if fingerprint is None:
        return [number, calculate("name", "datum.latent")]
    wanted = ["latent", "label"]
    order = [{"document_frequency": {"order": "desc", "unmapped_type": "long"}}]
    only = {"term": {"fingerprint": fingerprint}}
    body = {"size": 10000, "_source": wanted, "sort": order, "query": only}
    found = asked("labels", LABELS, body, hits=True, in_context=False)
    look_up = {"data": found, "key": "_source.latent", "fields": ["_source.label"]}
    label = {"lookup": "latent", "from": look_up, "as": ["label"], "default": ""}
    named = "datum.label ? datum.latent + ' · ' + datum.label : datum.latent"
    return [number, label, calculate("name", named)]
