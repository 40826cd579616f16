import json

from splare_os.dashboards.objects import (
    Board,
    Panel,
    index_pattern,
    markdown,
    ndjson,
    places,
    saved_search,
    vega,
)


def test_a_line_has_four_keys_and_json_within_json_is_a_string() -> None:
    chart = vega("v", "A chart", {"$schema": "s"})
    body = json.loads(ndjson([chart]))
    assert body.keys() == {"type", "id", "attributes", "references"}
    state = json.loads(body["attributes"]["visState"])
    assert (state["type"], state["title"]) == ("vega", "A chart")
    assert json.loads(state["params"]["spec"]) == {"$schema": "s"}


def test_a_search_names_its_pattern_by_a_reference() -> None:
    found = saved_search("s", "Hits", "p", ["title"], newest_by="@timestamp")
    source = json.loads(found.attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
    (reference,) = found.references
    assert reference == {"name": source["indexRefName"], "type": "index-pattern", "id": "p"}
    assert found.attributes["sort"] == [["@timestamp", "desc"]]


def test_a_panel_that_does_not_fit_begins_a_row_below_the_highest() -> None:
    text = markdown("m", "t", "x")
    panels = [Panel(text, 30, 5), Panel(text, 18, 9), Panel(text, 24, 4), Panel(text, 48, 3)]
    assert places(panels) == [(0, 0), (30, 0), (0, 9), (0, 13)]


def test_a_dashboard_comes_after_what_it_refers_to() -> None:
    pattern, text = index_pattern("papers*", "at", id="p"), markdown("m", "t", "x")
    board = Board("b", "b", "B", "…", [Panel(text)], [pattern], time_from="now-24h", refresh_s=10)
    objects = board.objects()
    assert [each.type for each in objects] == ["index-pattern", "visualization", "dashboard"]
    made = objects[-1]
    (panel,) = json.loads(made.attributes["panelsJSON"])
    assert made.references == [{"name": "panel_0", "type": "visualization", "id": "m"}]
    assert panel["panelRefName"] == "panel_0"
    assert made.attributes["refreshInterval"] == {"pause": False, "value": 10_000}
    assert objects[0].attributes == {"title": "papers*", "timeFieldName": "at"}
