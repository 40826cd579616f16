"""What is wrong with saved objects, told before anybody imports them.

An import succeeds for much that fails only when it is drawn: `visState` that is no JSON, kinds of
charts that there are not, broken specs. These are rules that were tried on OpenSearch Dashboards
2.8 and 2.19, and those that 3.x adds.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard

from .objects import INDEX_REFERENCE, SOURCE, Json, SavedObject
from .vega_lint import spec_faults

MOST_OBJECTS, MOST_BYTES = 10_000, 25 * 2**20

ATTRIBUTES: Mapping[str, frozenset[str] | None] = {
    "index-pattern": None,
    "visualization": frozenset(
        {
            *("title", "description", "visState", "uiStateJSON", "version", SOURCE),
            "savedSearchRefName",
        }
    ),
    "search": frozenset({"title", "description", "hits", "columns", "sort", "version", SOURCE}),
    "dashboard": frozenset(
        {
            *("title", "description", "hits", "panelsJSON", "optionsJSON", "version", SOURCE),
            *("timeRestore", "timeFrom", "timeTo", "refreshInterval"),
        }
    ),
}
"""Types that we write, and their attributes: Dashboards refuses any other. None: it takes any."""

KINDS = frozenset(
    {
        *("area", "histogram", "horizontal_bar", "line", "pie", "metric", "table", "tagcloud"),
        *("heatmap", "gauge", "goal", "markdown", "metrics", "vega", "input_control_vis"),
        *("region_map", "tile_map", "timelion"),
    }
)
KEYS: Mapping[str, type] = {"type": str, "id": str, "attributes": dict, "references": list}
AGG_KEYS: Mapping[str, type] = {"id": str, "type": str, "schema": str, "params": dict}
REFERENCE_KEYS: Mapping[str, type] = {"name": str, "type": str, "id": str}

OF_EXPORTS = frozenset(
    {
        *("updated_at", "version", "migrationVersion", "namespaces", "originId"),
        *("workspaces", "permissions"),
    }
)
"""Keys that Dashboards adds when it exports; the last two where it has workspaces."""

NEWEST: Mapping[str, tuple[int, ...]] = {
    "visualization": (7, 10, 0),
    "dashboard": (7, 9, 3),
    "index-pattern": (7, 6, 0),
    "search": (7, 9, 3),
}
"""The `migrationVersion` of each type that Dashboards knows; it refuses newer ones."""

SHAPES: Mapping[str, type] = {
    **{"visState": dict, "uiStateJSON": dict, "panelsJSON": list, "optionsJSON": dict},
    "searchSourceJSON": dict,
}
"""What the attributes are that hold JSON."""

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
        if isinstance(body, dict) and "exportedCount" in body:
            continue  # Dashboards ends an export by what it exported
        if not _is_object(body):
            found.append(f"line {number} has to be an object with {', '.join(sorted(KEYS))}")
            continue
        found += [f"line {number}: {told}" for told in _line_faults(body)]
        objects.append(SavedObject(**{key: body[key] for key in KEYS}))
    return objects, found


def _is_object(body: object) -> bool:
    return _has(body, KEYS) and all(_has(one, REFERENCE_KEYS) for one in body["references"])


def _has(body: object, shape: Mapping[str, type]) -> TypeGuard[Json]:
    return isinstance(body, dict) and all(isinstance(body.get(k), v) for k, v in shape.items())


def _line_faults(body: Json) -> Iterator[str]:
    if unknown := sorted(body.keys() - KEYS.keys() - OF_EXPORTS):
        yield f"leave out {', '.join(unknown)}"
    made = body.get("migrationVersion")
    told = made.get(body["type"], "0") if isinstance(made, dict) else made
    if told is not None and _parsed(told) > NEWEST.get(body["type"], _parsed(told)):
        yield f"leave out migrationVersion: {told} is newer than Dashboards knows"


def _parsed(version: object) -> tuple[int, ...]:
    """Return the numbers of a version."""
    return tuple(int(number) for number in re.findall(r"[0-9]+", str(version)))


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
    if each.type not in ATTRIBUTES:
        yield f"the type is none of {', '.join(sorted(ATTRIBUTES))}"
        return
    if DATA_SOURCE.fullmatch(each.id) or not each.id:
        yield "the id is empty, or looks like that of another data source"
    if not isinstance(each.attributes, dict) or not isinstance(each.attributes.get("title"), str):
        yield "it has no title"
        return
    known = ATTRIBUTES[each.type]
    if known is not None and (unknown := sorted(each.attributes.keys() - known)):
        yield f"unknown attributes {', '.join(unknown)}"
    inner: Json = {}
    for path, told in _json_strings(each):
        try:
            inner[path] = json.loads(told)
        except (ValueError, TypeError):
            inner[path] = None
        if not isinstance(inner[path], SHAPES[path]):
            what = "an array" if SHAPES[path] is list else "an object"
            yield f"{path} has to be a string of JSON, {what}"
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
    panels = inner.get("panelsJSON", [])
    if not all(_has(panel, {"panelRefName": str}) for panel in panels):
        yield "a panel has no panelRefName"
    if "index" in inner.get("searchSourceJSON", {}):
        yield f"the index is named by an id: use indexRefName, {INDEX_REFERENCE}"
    named = set(_reference_names([each.attributes, inner]))
    there = {one["name"] for one in each.references}
    if named != there:
        yield f"references {sorted(there)} are not those that it names, {sorted(named)}"


def _reference_names(value: object) -> Iterator[str]:
    """Yield the names of references: of the index, of a filter's, of a panel, of a control's."""
    if isinstance(value, list):
        for inner in value:
            yield from _reference_names(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key.endswith("RefName"):
                yield str(inner)
            yield from _reference_names(inner)


def _state_faults(each: SavedObject, state: object) -> Iterator[str]:
    if not isinstance(state, dict) or not isinstance(state.get("params"), dict):
        yield "visState has no params"
        return
    if str(state.get("type")) not in KINDS:
        yield f"visState.type {state.get('type')!r} is none of {', '.join(sorted(KINDS))}"
    if state.get("title") != each.attributes["title"]:
        yield "visState.title is not the title"
    aggs = state.get("aggs", [])
    if not isinstance(aggs, list) or not all(_has(agg, AGG_KEYS) for agg in aggs):
        yield f"visState.aggs has to be an array of objects with {', '.join(sorted(AGG_KEYS))}"
        return
    for agg in aggs:
        if agg["type"] == "date_histogram" and "interval" not in agg["params"]:
            yield "a date_histogram has no interval"
    if state.get("type") == "vega":
        yield from spec_faults(state["params"].get("spec"))
