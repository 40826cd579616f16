"""The dashboard of a collection: how its impacts are spread over documents and latents.

What is counted of all latents comes from `.splare-statistics`, as the last `splare-os statistics`
or indexing run has left it; the rest from the index itself.
"""

from ..layout.spectrum import EVERYWHERE
from ..layout.statistics import INDEX
from .objects import Board, Json, Panel, index_pattern, markdown, vega
from .of_index import OfIndex
from .vega_lite import (
    NAME,
    NUMBER,
    WORDS,
    asked,
    calculate,
    chart,
    each,
    kept,
    labelled,
    layered,
    terms,
)

HELP = """\
How the impacts of `{index}` are spread. Latents by document frequency are those of the last
count (`splare-os statistics --index {index}`): a latent is *dead* if no document shows it,
*everywhere* if more than {everywhere:.0%} of them do. The other charts are counted now, of what
query and filters select; of latents, those among the 20 heaviest of a document."""


def board(of: OfIndex) -> Board:
    """Return the dashboard."""
    charts: list[tuple[str, str, Json]] = [
        ("impacts", "Impacts a document", _impacts(of)),
        ("with-impacts", "Documents with and without impacts", _with_impacts(of)),
        ("frequency", "Latents by document frequency", _frequency(of)),
        ("shares", "Dead and everywhere latents", _shares(of)),
        ("heaviest", "Latents among the heaviest of most documents", _heaviest(of)),
        ("models", "Models and fingerprints by index", _models()),
    ]
    told = HELP.format(index=of.index, everywhere=EVERYWHERE)
    return Board(
        name="collection",
        id=of.id("collection"),
        title=f"SPLARE: collection {of.index}",
        description=f"How the impacts of {of.index} are spread over documents and latents",
        panels=[
            Panel(markdown(of.id("collection-help"), "About", told), 48, 6),
            *(
                Panel(vega(of.id(f"collection-{name}"), title, spec))
                for name, title, spec in charts
            ),
        ],
        patterns=[index_pattern(of.index, of.time_field, id=of.pattern)],
    )


def _impacts(of: OfIndex) -> Json:
    counts = {"histogram": {"field": f"{of.field}.count", "interval": 10, "min_doc_count": 1}}
    steps = [
        *each("bin", "counts.buckets"),
        calculate("from", "datum.bin.key"),
        calculate("to", "datum.bin.key + 10"),
        calculate("documents", "datum.bin.doc_count"),
    ]
    encoding = {
        "x": {"field": "from", "bin": {"binned": True, "step": 10}, "title": "impacts"} | NUMBER,
        "x2": {"field": "to"},
        "y": {"field": "documents", "title": "documents"} | NUMBER,
    }
    data = asked("counts", of.index, {"size": 0, "aggs": {"counts": counts}})
    return chart(data, steps, "bar", encoding)


def _with_impacts(of: OfIndex) -> Json:
    count = f"{of.field}.count"
    filters = {
        "with impacts": {"range": {count: {"gt": 0}}},
        "empty: no text, or no latent": {"term": {count: 0}},
        "not encoded yet": {"bool": {"must_not": {"exists": {"field": count}}}},
    }
    kinds = {"filters": {"filters": filters}}
    steps = [
        kept("isValid(datum.aggregations)"),
        calculate("kinds", "datum.aggregations.kinds.buckets"),
        {"fold": [f"kinds['{name}'].doc_count" for name in filters], "as": ["path", "documents"]},
        calculate("kind", 'split(datum.path, "\'")[1]'),
        calculate("said", "format(datum.documents, ',')"),
    ]
    encoding = {
        "y": {"field": "kind", "title": None, "sort": list(filters)} | NAME,
        "x": {"field": "documents", "title": "documents"} | NUMBER,
    }
    words = WORDS | {"align": "left", "dx": 4}
    return layered(
        asked("kinds", of.index, {"size": 0, "aggs": {"kinds": kinds}}),
        steps,
        encoding,
        {"mark": "bar"},
        {"mark": words, "encoding": {"text": {"field": "said"} | NAME}},
    )


def _statistics(of: OfIndex | None = None) -> Json:
    """Return the statistics that are kept, of one index or of all, whatever the query selects."""
    only: Json = {"match_all": {}}
    if of is not None:
        names = [{"wildcard": {"index": name}} for name in of.concrete]
        only = {
            "bool": {
                "filter": [{"term": {"field": of.field}}],
                "should": names,
                "minimum_should_match": 1,
            }
        }
    wanted = ["index", "field", "model", "fingerprint", "documents", "latents", "dead"]
    wanted += ["everywhere", "spectrum"]
    body = {"size": 100, "_source": wanted, "query": only}
    return asked("statistics", f"{INDEX}*", body, hits=True, in_context=False)


def _frequency(of: OfIndex) -> Json:
    steps = [
        calculate("index", "datum._source.index"),
        *each("point", "spectrum", of="datum._source"),
        calculate("rank", "datum.point.rank"),
        calculate("documents", "datum.point.documents"),
        kept("datum.documents > 0"),
    ]
    log = {"type": "log"}
    encoding = {
        "x": {"field": "rank", "title": "rank of the latent", "scale": log} | NUMBER,
        "y": {"field": "documents", "title": "documents that show it", "scale": log} | NUMBER,
        "color": {"field": "index", "title": None, "legend": {"orient": "bottom"}} | NAME,
    }
    return chart(_statistics(of), steps, {"type": "line", "point": True}, encoding)


def _shares(of: OfIndex) -> Json:
    kinds = ["dead", "in between", "everywhere"]
    steps = [
        kept("isValid(datum._source.dead)"),
        calculate("index", "datum._source.index"),
        calculate("dead", "datum._source.dead"),
        calculate("everywhere", "datum._source.everywhere"),
        calculate("in between", "datum._source.latents - datum.dead - datum.everywhere"),
        {"fold": kinds, "as": ["kind", "latents"]},
        calculate("row", "datum.kind + ': ' + datum.index"),
        calculate("share", "datum.latents / datum._source.latents"),
        calculate("said", "format(datum.latents, ',') + ' (' + format(datum.share, '.2%') + ')'"),
    ]
    encoding = {
        "y": {"field": "row", "title": None, "sort": None} | NAME,
        "x": {"field": "share", "title": "share of all latents", "axis": {"format": "%"}} | NUMBER,
    }
    color = {"field": "kind", "sort": kinds, "legend": None} | NAME  # rows tell it
    words = WORDS | {"align": "left", "dx": 4}
    return layered(
        _statistics(of),
        steps,
        encoding,
        {"mark": "bar", "encoding": {"color": color}},
        {"mark": words, "encoding": {"text": {"field": "said"} | NAME}},
    )


def _heaviest(of: OfIndex) -> Json:
    body = {"size": 0, "aggs": {"latents": terms(f"{of.field}.latents", 20)}}
    steps = [
        *each("bucket", "latents.buckets"),
        *labelled("datum.bucket.key", of.fingerprint),
        calculate("documents", "datum.bucket.doc_count"),
    ]
    encoding = {
        "y": {"field": "name", "title": None, "sort": "-x"} | NAME,
        "x": {"field": "documents", "title": "documents"} | NUMBER,
    }
    return chart(asked("latents", of.index, body), steps, "bar", encoding)


def _models() -> Json:
    columns = ["model", "fingerprint", "documents"]
    steps = [
        calculate("row", "datum._source.index + '/' + datum._source.field"),
        calculate("model", "isValid(datum._source.model) ? datum._source.model : '?'"),
        calculate("fingerprint", "datum._source.fingerprint"),
        calculate("documents", "format(datum._source.documents, ',')"),
        {"fold": columns, "as": ["column", "said"]},
    ]
    axis = {"orient": "top", "labelAngle": 0, "domain": False, "ticks": False}
    encoding = {
        "y": {"field": "row", "title": "index/field"} | NAME,
        "x": {"field": "column", "title": None, "sort": columns, "axis": axis} | NAME,
        "text": {"field": "said"} | NAME,
    }
    return chart(_statistics(), steps, WORDS, encoding)
