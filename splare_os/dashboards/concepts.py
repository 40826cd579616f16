"""The dashboard of concepts: which latents rise, mark a category, or set a selection apart.

They are told from `latents`, the 20 heaviest of each document.
"""

from .objects import (
    Board,
    Json,
    Panel,
    SavedObject,
    index_pattern,
    markdown,
    saved_search,
    vega,
    visualization,
)
from .of_index import OfIndex
from .vega_lite import (
    NAME,
    NUMBER,
    PERIOD,
    TIME,
    WORDS,
    Step,
    asked,
    by_time,
    calculate,
    chart,
    each,
    kept,
    labelled,
    layered,
    terms,
    times,
)

SAMPLE = 5000
"""Documents of each shard, the best ones of a selection, that tell what sets it apart."""

FREQUENT = 500

HELP = """\
What the documents of `{index}` are about, by their heaviest latents. **Type a query, add a
filter or load a saved search above**: "Sets the selection apart" then shows what it has that the
rest has not. A click on a latent in the table selects its documents, listed at the bottom."""

SELECTION, WHOLE_INDEX = "in the selection", "in the whole index"
NO_DOCUMENT = "no document is selected"
NOTHING_APART = "nothing sets these apart: type a query above"

TIMES = (
    " Where charts are empty, widen the time range: it is of the documents' own dates. Documents "
    "that all have one date rise nowhere, and mark no period."
)


def board(of: OfIndex) -> Board:
    """Return the dashboard."""
    told = HELP.format(index=of.index) + ("" if of.time_field is None else TIMES)
    about = markdown(of.id("concepts-help"), "About", told)
    return Board(
        name="concepts",
        id=of.id("concepts"),
        title=f"SPLARE: concepts of {of.index}",
        description=f"Which latents rise, mark a category, or set a selection of {of.index} apart",
        panels=[
            Panel(about, 48, 5),
            _chart(of, "apart", "Sets the selection apart from the rest", _apart(of)),
            Panel(_table(of), 24, 18),
            *_over_time(of),
            *_by_category(of),
            Panel(_documents(of), 48, 20),
        ],
        patterns=[index_pattern(of.index, of.time_field, id=of.pattern)],
        time_from=None if of.time_field is None else "now-2y",
    )


def _chart(
    of: OfIndex, name: str, title: str, spec: Json, *, width: int = 24, height: int = 18
) -> Panel:
    return Panel(vega(of.id(f"concepts-{name}"), title, spec), width, height)


def _over_time(of: OfIndex) -> list[Panel]:
    if of.time_field is None:
        return []
    return [
        _chart(of, "rising", "Latents that rise most", _rising(of, of.time_field)),
        _chart(of, "periods", "What marks each period", _periods(of, of.time_field)),
    ]


def _by_category(of: OfIndex) -> list[Panel]:
    if of.category_field is None:
        return []
    title, spec = f"What marks each {of.category_field}", _categories(of, of.category_field)
    return [_chart(of, "categories", title, spec, width=48, height=30)]


def _documents(of: OfIndex) -> SavedObject:
    columns = [*of.columns, f"{of.field}.latents"]
    title, id_ = f"Documents of {of.index}", of.id("concepts-documents")
    return saved_search(id_, title, of.pattern, columns, newest_by=of.time_field)


def _asked(of: OfIndex, name: str, body: Json) -> Json:
    return asked(name, of.index, body, time_field=of.time_field)


def _standing_out(of: OfIndex, size: int) -> Json:
    field = f"{of.field}.latents"
    return {"significant_terms": {"field": field, "size": size, "min_doc_count": 3}}


def _table(of: OfIndex) -> SavedObject:
    params = {"perPage": 10, "showPartialRows": False, "showTotal": False, "totalFunc": "sum"}
    params |= {"showMetricsAtAllLevels": False, "sort": {"columnIndex": None, "direction": None}}
    latents = {"field": f"{of.field}.latents", "size": 50, "order": "desc", "orderBy": "1"}
    latents |= {"otherBucket": False, "missingBucket": False, "customLabel": "latent"}
    aggs = [
        {"id": "1", "enabled": True, "type": "count", "schema": "metric", "params": {}},
        {"id": "2", "enabled": True, "type": "terms", "schema": "bucket", "params": latents},
    ]
    title = "Latents of the selection: click + to select"
    return visualization(
        of.id("concepts-latents"), title, "table", params, aggs=aggs, pattern=of.pattern
    )


def _apart(of: OfIndex) -> Json:
    sample = {"sampler": {"shard_size": SAMPLE}, "aggs": {"latents": _standing_out(of, 20)}}
    order = {"field": "bucket.score", "op": "max", "order": "descending"}
    encoding = {"y": {"field": "name", "title": None, "sort": order} | NAME}
    x = {"field": "share", "title": "share of documents", "axis": {"format": "%"}}
    color = {"field": "where", "title": None, "legend": {"orient": "bottom"}}
    shares = {"x": x | NUMBER, "color": color | NAME}
    words = {"x": {"value": 4}, "text": {"field": "said"} | NAME}
    return layered(
        _asked(of, "apart", {"size": 0, "aggs": {"sample": sample}}),
        _apart_steps(of),
        encoding,
        {"mark": "bar", "encoding": shares} | _only(SELECTION),
        {"mark": {"type": "tick", "thickness": 3}, "encoding": shares} | _only(WHOLE_INDEX),
        {"mark": WORDS | {"align": "left"}, "encoding": words},
    )


def _only(where: str) -> Json:
    return {"transform": [kept(f"datum.where == '{where}'")]}


def _apart_steps(of: OfIndex) -> list[Step]:
    hint = "[{doc_count: 0, bg_count: 1, key: '—', score: 0}]"
    latents = "datum.aggregations.sample.latents"
    return [
        calculate("found", f"isValid(datum.aggregations) ? {latents}.buckets : []"),
        # nothing stands out of all documents: say what to do
        calculate("is_empty", "length(datum.found) === 0"),
        calculate("bucket", f"datum.is_empty ? {hint} : datum.found"),
        {"flatten": ["bucket"]},
        calculate("selected", f"datum.is_empty ? 1 : {latents}.doc_count"),
        calculate("all", f"datum.is_empty ? 1 : {latents}.bg_count"),
        *labelled("datum.bucket.key", of.fingerprint),
        calculate(SELECTION, "datum.bucket.doc_count / datum.selected"),
        calculate(WHOLE_INDEX, "datum.is_empty ? 0 : datum.bucket.bg_count / datum.all"),
        {"fold": [SELECTION, WHOLE_INDEX], "as": ["where", "share"]},
        kept(f"!datum.is_empty || datum.where == '{SELECTION}'"),
        calculate("is_none", "!datum.aggregations || !datum.aggregations.sample.doc_count"),
        calculate("hint", f"datum.is_none ? '{NO_DOCUMENT}' : '{NOTHING_APART}'"),
        calculate("said", "datum.is_empty ? datum.hint : ''"),
    ]


def _heat_map(by: str, **x: object) -> Json:
    share = {"field": "share", "title": "share", "legend": {"format": "%"}}
    axis = {"labelAngle": -30, "labelLimit": 200}
    tips = [{"field": "name"} | NAME, {"field": by} | NAME]
    return {
        "y": {"field": "name", "title": None} | NAME,
        "x": {"field": by, "title": None, "axis": axis} | NAME | x,
        "color": share | NUMBER,
        "tooltip": [*tips, {"field": "share", "format": ".1%"} | NUMBER],
    }


def _categories(of: OfIndex, field: str) -> Json:
    marking = {"latents": _standing_out(of, 3)}
    body = {"size": 0, "aggs": {"categories": terms(field, 12) | {"aggs": marking}}}
    steps = [
        *each("outer", "categories.buckets"),
        *each("inner", "latents.buckets", of="datum.outer"),
        # of a boolean or a date, what people write, not the number that it is kept as
        calculate("text", "datum.outer.key_as_string"),
        calculate("category", "isValid(datum.text) ? datum.text : datum.outer.key"),
        calculate("share", "datum.inner.doc_count / datum.outer.doc_count"),
        *labelled("datum.inner.key", of.fingerprint),
    ]
    encoding = _heat_map("category")
    order = {"field": "category", "op": "min"}
    encoding["y"] |= {"sort": order}
    return chart(_asked(of, "categories", body), steps, "rect", encoding)


def _periods(of: OfIndex, field: str) -> Json:
    steps = [
        *times(inner="latents"),
        calculate("period", PERIOD),
        calculate("share", "datum.inner.doc_count / datum.span.doc_count"),
        *labelled("datum.inner.key", of.fingerprint),
    ]
    body = by_time(field, {"latents": _standing_out(of, 2)}, buckets=15)
    order = {"field": "time", "op": "min"}
    encoding = _heat_map("period", sort=order)
    encoding["y"] |= {"sort": order}
    return chart(_asked(of, "periods", body), steps, "rect", encoding)


def _rising(of: OfIndex, field: str) -> Json:
    """Return shares over time of the latents that have most in the later half over the earlier.

    Of each span the `FREQUENT` most frequent ones are looked at.
    """
    steps = [
        *times(),
        *_halves(),
        *each("inner", "latents.buckets", of="datum.span"),
        calculate("at", "datum.span.key"),
        calculate("latent", "datum.inner.key"),
        calculate("share", "datum.inner.doc_count / datum.span.doc_count"),
        calculate("signed", "datum.sign * datum.inner.doc_count / datum.documents"),
        {"impute": "share", "key": "at", "value": 0, "groupby": ["latent"]},
        calculate("time", "toDate(datum.at)"),
        {"joinaggregate": [{"op": "sum", "field": "signed", "as": "rise"}], "groupby": ["latent"]},
        {
            "window": [{"op": "dense_rank", "as": "rank"}],
            "sort": [{"field": "rise", "order": "descending"}, {"field": "latent"}],
        },
        kept("datum.rank <= 8 && datum.rise > 0"),
        *labelled("datum.latent", of.fingerprint),
    ]
    body = by_time(field, {"latents": terms(f"{of.field}.latents", FREQUENT)}, buckets=20)
    encoding = {
        "x": {"field": "time"} | TIME,
        "y": {"field": "share", "title": "share of documents", "axis": {"format": "%"}} | NUMBER,
        "color": {"field": "name", "title": None, "legend": {"orient": "bottom", "columns": 2}}
        | NAME,
    }
    return chart(_asked(of, "rising", body), steps, {"type": "line", "point": True}, encoding)


def _halves() -> list[Step]:
    """Return the steps that add to each span of time whether it is late, and its half's size."""
    ends = [{"op": op, "field": "time", "as": name} for op, name in (("min", "a"), ("max", "b"))]
    size = {"op": "sum", "field": "span.doc_count", "as": "documents"}
    return [
        {"joinaggregate": ends},
        calculate("sign", "datum.time - datum.a > (datum.b - datum.a) / 2 ? 1 : -1"),
        {"joinaggregate": [size], "groupby": ["sign"]},
    ]
