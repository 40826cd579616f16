"""Each rule of the lint, broken once."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from splare_os.dashboards import SAMPLE, SavedObject, boards, faults, objects_of, read_objects
from splare_os.dashboards.objects import SOURCE, index_pattern, text, vega
from splare_os.dashboards.vega_lint import spec_faults

OBJECTS = objects_of(boards(SAMPLE))


def first(type_: str, part: str = "") -> SavedObject:
    return next(each for each in OBJECTS if each.type == type_ and part in each.id)


def told(changed: SavedObject) -> list[str]:
    return faults([changed if each.id == changed.id else each for each in OBJECTS])


def with_attributes(each: SavedObject, **attributes: Any) -> SavedObject:
    return replace(each, attributes=each.attributes | attributes)


CHART = first("visualization", "ingestion-jobs")
UUID = "7a3b8a4e-0d1c-4b52-9a64-0a1b2c3d4e5f"


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        (replace(CHART, type="lens"), "the type is none of"),
        (with_attributes(CHART, color="red"), "unknown attributes color"),
        (with_attributes(CHART, visState={"type": "vega"}), "visState has to be a string of JSON"),
        (with_attributes(CHART, visState="{"), "visState has to be a string of JSON"),
        (with_attributes(CHART, title=None), "it has no title"),
        (with_attributes(CHART, visState=text({"type": "sankey", "params": {}})), "'sankey'"),
        (with_attributes(CHART, visState=text({"type": [], "params": {}})), "visState.type []"),
        (with_attributes(CHART, visState=text({"type": "vega"})), "visState has no params"),
        (with_attributes(CHART, title="Another"), "visState.title is not the title"),
        (with_attributes(first("dashboard"), panelsJSON="{}"), "a string of JSON, an array"),
        (with_attributes(first("dashboard"), panelsJSON="[7]"), "a panel has no panelRefName"),
        (with_attributes(CHART, **{SOURCE: {"searchSourceJSON": "null"}}), "JSON, an object"),
        (
            with_attributes(CHART, visState=text({"type": "table", "params": {}, "aggs": [7]})),
            "visState.aggs has to be an array",
        ),
        (replace(first("search"), references=[]), "are not those that it names"),
        (replace(first("dashboard"), references=[]), "are not those that it names"),
        (
            replace(
                first("search"), references=[{"name": "x", "type": "index-pattern", "id": "y"}]
            ),
            "no index-pattern y",
        ),
    ],
)
def test_what_dashboards_would_refuse_is_told(changed: SavedObject, fault: str) -> None:
    assert any(fault in one and changed.id in one for one in told(changed)), told(changed)


def test_an_id_may_not_look_like_that_of_a_data_source() -> None:
    assert "data source" in faults([index_pattern("a", id=f"{UUID}_{UUID}")])[0]
    assert faults([index_pattern("a", id=UUID)]) == []


def test_an_object_is_there_once() -> None:
    pattern = index_pattern("a", id="a")
    assert faults([pattern, pattern]) == ["index-pattern a: it is there twice"]


def test_a_file_is_lines_of_objects() -> None:
    good = index_pattern("a", id="a").line
    newer = text(json.loads(good) | {"migrationVersion": {"index-pattern": "9.0.0"}})
    nobody = text(json.loads(good) | {"references": [7]})
    unknown = text(json.loads(good) | {"colour": "red"})
    lines = f"{good}\n{{\n[]\n{newer}\n{nobody}\n{unknown}\n"
    objects, wrong = read_objects(lines.encode())
    assert [each.id for each in objects] == ["a", "a", "a"]
    assert [one.split(":")[0] for one in wrong] == [
        "line 2 is no JSON",
        "line 3 has to be an object with attributes, id, references, type",
        "line 4",
        "line 5 has to be an object with attributes, id, references, type",
        "line 6",
    ]
    assert "leave out migrationVersion: 9.0.0 is newer" in wrong[2]
    assert "leave out colour" in wrong[4]


def test_what_dashboards_exports_of_an_object_that_was_changed_is_good() -> None:
    pattern, filter_index = (
        first("index-pattern"),
        f"{SOURCE}.searchSourceJSON.filter[0].meta.index",
    )
    board = first("dashboard", "ingestion")
    chosen = {"query": {"query": "", "language": "kuery"}}
    chosen |= {"filter": [{"meta": {"indexRefName": filter_index}}]}
    board = with_attributes(board, **{SOURCE: {"searchSourceJSON": text(chosen)}})
    reference = {"name": filter_index, "type": "index-pattern", "id": pattern.id}
    board = replace(board, references=[*board.references, reference])
    pattern = with_attributes(pattern, fields="[]", sourceFilters="[]", typeMeta="{}")
    others = [each for each in OBJECTS if each.id not in {board.id, pattern.id}]
    versions = {"dashboard": "7.9.3", "index-pattern": "7.6.0", "search": "7.9.3"}
    added = {"updated_at": "2026-01-01T00:00:00.000Z", "version": "WzEwLDFd"}
    of_a_workspace = {"workspaces": ["a1B2c3"], "permissions": {"read": {"users": ["ada"]}}}
    lines = [
        text(
            json.loads(each.line)
            | added
            | of_a_workspace
            | {"migrationVersion": {each.type: versions[each.type]}}
        )
        for each in (pattern, board, *others)
        if each.type in versions
    ]
    lines += [each.line for each in others if each.type not in versions]
    lines += [text({"exportedCount": len(lines), "missingRefCount": 0, "missingReferences": []})]
    objects, wrong = read_objects("\n".join(lines).encode())
    assert wrong == []
    assert faults(objects) == []


def change(edit: Callable[[dict[str, Any]], object]) -> list[str]:
    """Return the faults of a good spec after an edit."""
    state = json.loads(CHART.attributes["visState"])
    spec = json.loads(state["params"]["spec"])
    assert list(spec_faults(json.dumps(spec))) == []
    edit(spec)
    return list(spec_faults(json.dumps(spec)))


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda s: s.pop("$schema"), "$schema None"),
        (lambda s: s.update({"$schema": s["$schema"].replace("v5", "v6")}), "name Vega 5"),
        (lambda s: s.update(width=300), "width counts only with autosize none"),
        (lambda s: s.update(data="x"), "data has to be an object"),
        (lambda s: s["data"].update(url="https://a.org/x.json"), "leads elsewhere"),
        (lambda s: s["data"]["url"].update(timeout=1), "data.url has timeout"),
        (lambda s: s["data"]["url"].pop("body"), "has to name an index and a body"),
        (lambda s: s["data"]["url"]["body"].update(query={}), "exclude a query of its own"),
        (lambda s: s["data"].pop("name"), "has no name"),
        (lambda s: s["data"].update(format={"property": "aggregations.a"}), "'aggregations.a'"),
        (
            lambda s: s["data"]["url"]["body"].update(
                aggs={"a": {"date_histogram": {"interval": 1}}}
            ),
            "write fixed_interval",
        ),
        (lambda s: s["transform"].append({"filter": "window.x"}), "the name window"),
        (lambda s: s["transform"].append({"lookup": "a", "from": {"data": {"url": "b"}}}), "leads"),
    ],
)
def test_what_dashboards_would_not_draw_is_told(
    edit: Callable[[dict[str, Any]], object], fault: str
) -> None:
    assert any(fault in one for one in change(edit)), change(edit)


def test_a_spec_is_a_string_of_json() -> None:
    chart = vega("a", "A", {})
    for spec in ({}, "{", "[]"):
        state = text({"title": "A", "type": "vega", "params": {"spec": spec}})
        assert len(faults([with_attributes(chart, visState=state)])) == 1
