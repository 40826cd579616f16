"""The dashboards, and the files in dashboards/ that hold them."""

import re
from pathlib import Path

import orjson
import pytest

from splare_os.dashboards import SAMPLE, OfIndex, boards, faults, file_name, ndjson, objects_of
from splare_os.dashboards.lint import read_objects
from splare_os.dashboards.requests import spec_of

ROOT = Path(__file__).parents[2]
FILES = ROOT / "dashboards"


def test_the_files_are_what_the_code_makes() -> None:
    made = {file_name(board): ndjson(board.objects()) for board in boards(SAMPLE)}
    there = {path.name: path.read_text(encoding="utf-8") for path in FILES.glob("*.ndjson")}
    assert there == made, "run: python -m benchmarks.dashboards --only-files"


def test_the_files_show_labels_of_the_shipped_model() -> None:
    mini = orjson.loads((ROOT / "splare_os" / "mini" / "splare.json").read_bytes())
    assert mini["fingerprint"] == SAMPLE.fingerprint


def test_nothing_is_wrong_with_any_of_them() -> None:
    for board in boards(SAMPLE):
        objects, wrong = read_objects((FILES / file_name(board)).read_bytes())
        assert wrong == []
        assert faults(objects) == []  # each file holds all that it refers to
    assert faults(objects_of(boards(SAMPLE))) == []


@pytest.mark.parametrize("index", ["papers", "papers-*,news", "<logs-{now/d}>", "Ä b'\"c"])
def test_nothing_is_wrong_with_those_of_strange_names(index: str) -> None:
    objects = objects_of(boards(OfIndex(index, category_field="a'b")))
    assert faults(objects) == []
    assert all(re.fullmatch(r"[\w-]+", each.id) for each in objects)


def test_every_chart_tells_its_numbers_and_none_warns_of_having_no_data() -> None:
    specs = [spec for each in objects_of(boards(SAMPLE)) if (spec := spec_of(each))]
    assert len(specs) == 28
    for spec in specs:
        assert spec["config"]["mark"] == {"tooltip": True}
        assert spec["config"]["kibana"] == {"hideWarnings": True}


def test_two_indices_have_objects_of_their_own() -> None:
    named = [("papers", "t_splare"), ("news", "body-text_splare"), ("news-body", "text_splare")]
    ids = [{each.id for each in objects_of(boards(OfIndex(*one))[2:])} for one in named]
    assert len(set.union(*ids)) == sum(map(len, ids))


def test_two_fields_of_an_index_have_objects_of_their_own() -> None:
    # the pattern too: either may have a time of its own, and be removed by itself
    of = [OfIndex("papers", field, time_field=time) for field, time in (("a", "at"), ("b", None))]
    ids = [{each.id for each in objects_of(boards(one)[2:])} for one in of]
    assert not ids[0] & ids[1]


def test_charts_over_time_and_by_category_need_their_fields() -> None:
    def charts(of: OfIndex) -> set[str]:
        return {each.id.split("-papers")[0] for each in objects_of(boards(of))}

    without, whole = charts(OfIndex("papers")), charts(OfIndex("papers", "t_splare", (), *"fac"))
    assert whole - without == {
        "splare-concepts-rising",
        "splare-concepts-periods",
        "splare-concepts-categories",
    }


def test_without_an_index_there_are_ingestion_and_search() -> None:
    assert [board.name for board in boards(None)] == ["ingestion", "search"]


def test_an_index_and_a_field_are_named() -> None:
    with pytest.raises(ValueError, match="name both"):
        OfIndex("")
