import json
import logging

import pytest

from splare_os.search.rules.rule import LogOptions, Rule
from splare_os.search.rules.searched import Searched, SearchLog, text_hash

RULE = Rule("r", ("a",), ("t",))
REPLY = {"took": 7, "hits": {"total": {"value": 9}, "hits": [{"_id": "x"}, {"_id": "y"}]}}
SEARCHED = Searched(RULE, "a", "oil embargo", 10, "treatment")


def lines(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_tells_what_was_searched_but_not_the_text(tmp_path):
    path = tmp_path / "searches.jsonl"
    SearchLog(LogOptions(str(path)))(SEARCHED, REPLY)
    (line,) = lines(path)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "rule": "r",
        "mode": "rescore",
        "index": "a",
        "arm": "treatment",
        "changed": True,
        "why": None,
        "text_hash": text_hash("oil embargo"),
        "from": 10,
        "hits": ["x", "y"],
        "total": 9,
        "took_ms": 7,
    }


def test_the_text_is_told_where_that_is_allowed(tmp_path):
    path = tmp_path / "searches.jsonl"
    write = SearchLog(LogOptions(path, "plain"))
    write(SEARCHED, {"took": 1, "hits": {"total": 3, "hits": []}})
    write(Searched(RULE, None, "öl", 0, "treatment", "it failed"), {"hits": {}})
    first, second = lines(path)
    assert (first["text"], first["total"], first["hits"]) == ("oil embargo", 3, [])
    assert (second["text"], second["changed"], second["why"]) == ("öl", False, "it failed")


def test_hits_without_ids_are_none_that_are_known(tmp_path, caplog):
    write = SearchLog(LogOptions(tmp_path / "searches.jsonl"))
    write(SEARCHED, {"hits": {"hits": [{"_score": 1.0}]}})
    with caplog.at_level(logging.INFO, "splare_os"):
        write(Searched(RULE, "a", "oil", 0, "control", shows_ids=False), {})
    assert [line["hits"] for line in lines(tmp_path / "searches.jsonl")] == [None, None]
    assert "hits=None" in caplog.text


def test_logging_is_told_no_text(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "splare_os"):
        SearchLog(LogOptions())(SEARCHED, REPLY)
    assert "rule=r index=a arm=treatment changed=True hits=2 took_ms=7" in caplog.text
    assert "embargo" not in caplog.text


def test_a_log_that_cannot_be_written_ends_no_search_and_is_told_once(tmp_path, caplog):
    write = SearchLog(LogOptions(tmp_path / "none" / "searches.jsonl"))
    for _ in range(3):
        write(SEARCHED, REPLY)
    assert caplog.text.count("cannot be written") == 1
    (tmp_path / "none").mkdir()
    write(SEARCHED, REPLY)
    assert len(lines(tmp_path / "none" / "searches.jsonl")) == 1
