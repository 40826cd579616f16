"""What is wrong with a spec of Vega or Vega-Lite for Dashboards, whose rules are its own."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .expressions import FIELDS
from .expressions import faults as expression_faults

SCHEMA = re.compile(r"https://vega\.github\.io/schema/vega(?:-lite)?/v5(?:\.\d+)*\.json")
CONTEXT, TIME_FIELD = "%context%", "%timefield%"
URL_KEYS = {"index", "body", CONTEXT, TIME_FIELD}
HITS = "hits.hits"


def spec_faults(spec: object) -> Iterator[str]:
    """Yield what is wrong with `params.spec`."""
    if not isinstance(spec, str):
        yield "params.spec has to be a string"
        return
    try:
        content = json.loads(spec)
    except ValueError as error:
        yield f"params.spec is no JSON, and what else Dashboards reads (HJSON) is not: {error}"
        return
    if not isinstance(content, dict):
        yield "params.spec has to be an object"
        return
    if not SCHEMA.fullmatch(str(content.get("$schema"))):
        yield f"$schema {content.get('$schema')!r}: name Vega 5 or Vega-Lite 5"
    yield from _size_faults(content)
    for path, value in _walk(content, ""):
        yield from _part_faults(path, value)


def _size_faults(content: Mapping[str, Any]) -> Iterator[str]:
    autosize = content.get("autosize")
    kind = autosize.get("type") if isinstance(autosize, dict) else autosize
    for side in ("width", "height"):
        if kind != "none" and content.get(side, "container") != "container":
            yield f"{side} counts only with autosize none: leave it out"


def _walk(value: object, path: str) -> Iterator[tuple[str, object]]:
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            if not path.endswith(".url.body"):  # query DSL has rules of its own
                yield from _walk(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _walk(inner, f"{path}.{at}")


def _part_faults(path: str, value: object) -> Iterator[str]:
    key = path.rpartition(".")[2]
    if key in FIELDS and isinstance(value, str):
        yield from (f"{path[1:]}: {fault}" for fault in expression_faults(value))
    if key == "data" and isinstance(value, dict) and "url" in value:
        yield from _data_faults(path[1:], value)
    if key == "data" and isinstance(value, list):
        for at, one in enumerate(value):
            if isinstance(one, dict) and "url" in one:
                yield from _data_faults(f"{path[1:]}.{at}", one)
    if key == "data" and not isinstance(value, dict | list):
        yield f"{path[1:]} has to be an object or an array"


def _data_faults(path: str, data: Mapping[str, Any]) -> Iterator[str]:
    url = data["url"]
    if not isinstance(url, dict):
        yield f"{path}.url {url!r} leads elsewhere, which Dashboards does not follow"
        return
    if unknown := sorted(url.keys() - URL_KEYS):
        yield f"{path}.url has {', '.join(unknown)}; known are {', '.join(sorted(URL_KEYS))}"
    body = url.get("body")
    if not isinstance(url.get("index"), str) or not isinstance(body, dict):
        yield f"{path}.url has to name an index and a body"
        return
    if "query" in body and (CONTEXT in url or TIME_FIELD in url):
        yield f"{path}.url: {CONTEXT} and {TIME_FIELD} exclude a query of its own"
    if "name" not in data:
        yield f"{path} has no name, by which a slow request is told"
    shape = data.get("format", {})
    shown = shape.get("property", HITS) if isinstance(shape, dict) else shape
    if shown != HITS:
        yield f"{path}.format.property {shown!r}: without the index it is not there, and all fails"
    yield from (f"{path}: {fault}" for fault in _interval_faults(body))


def _interval_faults(body: object) -> Iterator[str]:
    if isinstance(body, list):
        for inner in body:
            yield from _interval_faults(inner)
    if not isinstance(body, dict):
        return
    for key, inner in body.items():
        if key == "date_histogram" and isinstance(inner, dict) and "interval" in inner:
            yield "write fixed_interval or calendar_interval"
        yield from _interval_faults(inner)
