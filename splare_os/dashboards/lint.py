"""What is wrong with saved objects, told before anybody imports them.

An import succeeds for much that fails only when it is drawn: `visState` that is no JSON, kinds of
charts that there are not, broken specs. These are rules that were tried on OpenSearch Dashboards
2.8 and 2.19, and those that 3.x adds.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from .objects import INDEX_REFERENCE, SOURCE, Json, SavedObject
from .vega_lint import spec_faults

MOST_OBJECTS, MOST_BYTES = 10_000, 25 * 2**20

ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "index-pattern": frozenset({"title", "timeFieldName", "fields", "fieldFormatMap"}),
    "visualization": frozenset(
        {"title", "description", "visState", "uiStateJSON", "version", SOURCE}
    ),
    "search": frozenset({"title", "description", "hits", "columns", "sort", "version", SOURCE}),
    "dashboard": frozenset(
        {
            *("title", "description", "hits", "panelsJSON", "optionsJSON", "version", SOURCE),
            *("timeRestore", "timeFrom", "timeTo", "refreshInterval"),
        }
    ),
}
"""Types that we write, and their attributes: Dashboards refuses any other."""

KINDS = frozenset(
    {
        *("area", "histogram", "horizontal_bar", "line", "pie", "metric", "table", "tagcloud"),
        *("heatmap", "gauge", "goal", "markdown", "metrics", "vega"),
    }
)
KEYS = {"type", "id", "attributes", "references"}

DATA_SOURCE = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}_.+", re.IGNORECASE)
"""An id that newer versions take for that of another cluster's object."""


def read_objects(content: bytes) -> tuple[list[SavedObject], list[str]]:
    """Return the objects of a file, and what is wrong with its lines."""
    objects, found = list[SavedObject](), list[str]()
    if len(content) > MOST_BYTES:
        found.append(f"{len(content)} bytes: Dashboards takes at most {MOST_BYTES}")
    for number, line in enumerate(filter(None, content.split(b"\n")), start=1):
        try:
            body = json.loads(line)
        except ValueError as error:
            found.append(f"line {number} is no JSON: {error}")
            continue
        if not isinstance(body, dict) or not body.keys() >= KEYS:
            found.append(f"line {number} has to be an object with {', '.join(sorted(KEYS))}")
            continue
        if unknown := sorted(body.keys() - KEYS):
            found.append(f"line {number}: leave out {', '.join(unknown)}")
        objects.append(SavedObject(**{key: body[key] for key in KEYS}))
    return objects, found


def faults(objects: Sequence[SavedObject]) -> list[str]:
    """Return what is wrong with objects that are imported together, each with its type and id."""
    found = [
        f"{each.type} {each.id}: {fault}" for each in objects for fault in _object_faults(each)
    ]
    names = Counter((each.type, each.id) for each in objects)
    found += [f"{type_} {id_}: it is there twice" for (type_, id_), n in names.items() if n > 1]
    for each in objects:
        missing = [one for one in each.references if (one["type"], one["id"]) not in names]
        found += [f"{each.type} {each.id}: no {one['type']} {one['id']}" for one in missing]
    if len(objects) > MOST_OBJECTS:
        found.append(f"{len(objects)} objects: Dashboards takes at most {MOST_OBJECTS}")
    return found


def _object_faults(each: SavedObject) -> Iterator[str]:
    known = ATTRIBUTES.get(each.type)
    if known is None:
        yield f"the type is none of {', '.join(sorted(ATTRIBUTES))}"
        return
    if DATA_SOURCE.fullmatch(each.id) or not each.id:
        yield "the id is empty, or looks like that of another data source"
    if not isinstance(each.attributes, dict) or not isinstance(each.attributes.get("title"), str):
        yield "it has no title"
        return
    if unknown := sorted(each.attributes.keys() - known):
        yield f"unknown attributes {', '.join(unknown)}"
    inner: Json = {}
    for path, told in _json_strings(each):
        try:
            inner[path] = json.loads(told)
        except (ValueError, TypeError):
            yield f"{path} has to be a string of JSON"
            return
    yield from _reference_faults(each, inner)
    if each.type == "visualization":
        yield from _state_faults(each, inner.get("visState"))


def _json_strings(each: SavedObject) -> Iterator[tuple[str, str]]:
    if each.type == "index-pattern":
        return
    own = {"visualization": ("visState", "uiStateJSON"), "dashboard": ("panelsJSON", "optionsJSON")}
    for path in own.get(each.type, ()):
        yield path, each.attributes.get(path, "")
    source = each.attributes.get(SOURCE)
    yield "searchSourceJSON", source.get("searchSourceJSON", "") if isinstance(source, dict) else ""


def _reference_faults(each: SavedObject, inner: Json) -> Iterator[str]:
    """Yield a fault for each name without a reference, and each reference that nothing names."""
    named = {panel.get("panelRefName") for panel in inner.get("panelsJSON", [])}
    if each.type == "dashboard" and None in named:
        yield "a panel has no panelRefName"
    source = inner.get("searchSourceJSON", {})
    if "index" in source:
        yield f"the index is named by an id: use indexRefName, {INDEX_REFERENCE}"
    named |= {source["indexRefName"]} if "indexRefName" in source else set()
    there = {one["name"] for one in each.references}
    if named - {None} != there:
        yield f"references {sorted(there)} are not those that it names, {sorted(named - {None})}"


def _state_faults(each: SavedObject, state: object) -> Iterator[str]:
    if not isinstance(state, dict) or not isinstance(state.get("params"), dict):
        yield "visState has no params"
        return
    if state.get("type") not in KINDS:
        yield f"visState.type {state.get('type')!r} is none of {', '.join(sorted(KINDS))}"
    if state.get("title") != each.attributes["title"]:
        yield "visState.title is not the title"
    for agg in state.get("aggs", []):
        if agg.get("type") == "date_histogram" and "interval" not in agg.get("params", {}):
            yield "a date_histogram has no interval"
    if state.get("type") == "vega":
        yield from spec_faults(state["params"].get("spec"))
