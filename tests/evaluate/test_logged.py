import json
from pathlib import Path

import pytest

from splare_os.errors import EvaluationError
from splare_os.evaluate import EvaluateOptions, compare_arms
from splare_os.evaluate.logged import logged_runs
from splare_os.search.rules.searched import text_hash

from .folders import save_folder


def line(arm: str | None, text: str, hits: list[str], **more) -> dict[str, object]:
    usual = {"rule": "r", "arm": arm, "from": 0, "text_hash": text_hash(text), "hits": hits}
    return usual | more


def write_log(path: Path, lines: list[dict[str, object]], end: str = "") -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in lines) + end)
    return path


LINES = [
    line("control", "water", ["d1", "d2"]),
    line("treatment", "water", ["d3"]),
    line("treatment", "water", ["d4", "d2"]),
    line("treatment", "water", ["d1"], **{"from": 10}),
    line(None, "water", ["d3"]),
    line("control", "car", ["d1", "d3"]),
    line("treatment", "car", ["d3"]),
    line("treatment", "price of oil", ["d1"]),
    line("control", "a question that nobody judged", ["d1"]),
]


def test_the_last_first_page_of_each_arm_is_its_ranking():
    runs = logged_runs(LINES, {"q3": "water", "q2": "car", "again": "car"})
    assert runs == {
        "control": {
            "q3": {"d1": 0.0, "d2": -1.0},
            "q2": {"d1": 0.0, "d3": -1.0},
            "again": {"d1": 0.0, "d3": -1.0},
        },
        "treatment": {"q3": {"d4": 0.0, "d2": -1.0}, "q2": {"d3": 0.0}, "again": {"d3": 0.0}},
    }


def test_plain_texts_are_told_alike():
    plain = {**line("control", "", ["d1"]), "text": "price  of oil "}
    del plain["text_hash"]
    assert logged_runs([plain], {"q1": "price of oil"})["control"] == {"q1": {"d1": 0.0}}


def test_arms_are_compared_on_the_queries_of_both(tmp_path):
    folder = save_folder(tmp_path / "set")
    path = write_log(tmp_path / "log.jsonl", LINES, end='{"rule": "r", "ar')
    options = EvaluateOptions(runs=tmp_path / "runs", per_query=tmp_path / "queries.jsonl")
    control, treatment = compare_arms([folder], path, options)
    assert [control.system, treatment.system] == ["control", "treatment"]
    assert control.queries == treatment.queries == 2
    assert control.figures["mrr@10"] == 0.5  # water: d2 second; car: d3 second
    assert treatment.figures["mrr@10"] == 1.0
    assert treatment.versus is not None
    assert (treatment.versus.baseline, treatment.versus.wins) == ("control", 2)
    assert (tmp_path / "runs" / "set.treatment.trec").read_text().startswith("q3 Q0 d4 1 ")
    assert len((tmp_path / "queries.jsonl").read_text().splitlines()) == 4


def test_several_data_sets_have_means(tmp_path):
    folders = [save_folder(tmp_path / name) for name in ("one", "two")]
    results = list(compare_arms(folders, write_log(tmp_path / "log.jsonl", LINES)))
    assert [(one.dataset, one.system) for one in results[-2:]] == [
        ("mean", "control"),
        ("mean", "treatment"),
    ]


def test_of_several_rules_one_is_named(tmp_path):
    folder = save_folder(tmp_path / "set")
    others = [{**one, "rule": "other", "hits": ["d1"]} for one in LINES]
    path = write_log(tmp_path / "log.jsonl", LINES + others)
    with pytest.raises(EvaluationError, match="several rules, other, r: name one"):
        compare_arms([folder], path)
    with pytest.raises(EvaluationError, match="no rule 's'; it has other, r"):
        compare_arms([folder], path, rule="s")
    control, _ = compare_arms([folder], path, rule="r")
    assert control.figures["mrr@10"] == 0.5


@pytest.mark.parametrize("broken", ["no JSON", "[]", '{"rule": "r"}'])
def test_a_line_that_is_none_is_refused(tmp_path, broken):
    path = write_log(tmp_path / "log.jsonl", LINES[:1])
    path.write_text(path.read_text() + broken + "\n")
    with pytest.raises(EvaluationError, match="line 2"):
        compare_arms([save_folder(tmp_path / "set")], path)


def test_without_a_query_in_both_arms_there_is_nothing_to_compare(tmp_path):
    path = write_log(tmp_path / "log.jsonl", LINES[:1])
    with pytest.raises(EvaluationError, match=r"control 1, treatment 0 of 3"):
        compare_arms([save_folder(tmp_path / "set")], path)
