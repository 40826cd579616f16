import json
from pathlib import Path

import pytest

from splare_os.errors import RulesError
from splare_os.search.rules import LogOptions, Rule, Rules, find_rules

TOML = """
[log]
path = "log/searches.jsonl"
texts = "plain"

[[rules]]
name = "books"
indices = ["books"]
fields = ["title", "text"]
text_field = "text"
mode = "hybrid"
percentage = 25.5
header = "X-User"
"""
BOOKS = Rule("books", ("books",), ("title", "text"), "text", "hybrid")
PLAIN = {"name": "r", "indices": ["books"], "fields": ["text"]}


def write(folder: Path, content: object, name: str = "rules.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_file_tells_rules_and_a_log_beside_it(tmp_path):
    found = find_rules(write(tmp_path, TOML, "rules.toml"))
    (rule,) = found.rules
    assert (rule.name, rule.mode, rule.searched_field) == ("books", "hybrid", "text")
    assert (rule.percentage, rule.header, rule.fields) == (25.5, "X-User", ("title", "text"))
    assert found.log == LogOptions(tmp_path / "log" / "searches.jsonl", "plain")


def test_json_is_read_alike_and_what_is_not_said_is_the_default(tmp_path):
    found = find_rules(str(write(tmp_path, {"rules": [PLAIN]})))
    assert found == Rules((Rule("r", ("books",), ("text",)),))


def test_the_environment_names_a_file_where_the_client_names_none(tmp_path):
    path = write(tmp_path, {"rules": [PLAIN]})
    assert find_rules(None, {"SPLARE_RULES": str(path)}).rules
    assert find_rules(Rules(), {"SPLARE_RULES": str(path)}) == Rules()
    assert find_rules(None, {}) == Rules()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ([], "it holds no object"),
        ({}, "rules missing"),
        ({"rules": [PLAIN], "rule": []}, "rule unknown; known are log, rules"),
        ({"rules": []}, r"rules=\[\]: give a list of at least one rule"),
        ({"rules": {"a": PLAIN}}, "give a list of at least one rule"),
        ({"rules": ["a"]}, r"rules\[0\]: 'a' is no object"),
        ({"rules": [PLAIN, {"name": "s"}]}, r"rules\[1\]: fields, indices missing"),
        ({"rules": [PLAIN | {"windows": 5}]}, r"rules\[0\]: windows unknown; known are fields,"),
        ({"rules": [PLAIN | {"window": "5"}]}, r"rules\[0\]: window='5': give a whole number"),
        ({"rules": [PLAIN | {"indices": "a"}]}, r"rules\[0\]: indices='a': give a list"),
        ({"rules": [PLAIN, PLAIN]}, "rules: name='r' is given twice"),
        ({"rules": [PLAIN], "log": "a.jsonl"}, "log: 'a.jsonl' is no object"),
        ({"rules": [PLAIN], "log": {"path": 5}}, "log: path=5: give the path of a file"),
        ({"rules": [PLAIN], "log": {"texts": "all"}}, "log: texts='all': choose one of hash,"),
    ],
)
def test_a_broken_file_is_refused_whole_by_the_name_of_its_key(tmp_path, content, message):
    path = write(tmp_path, content)
    with pytest.raises(RulesError, match=message) as caught:
        find_rules(path)
    assert str(path) in str(caught.value)


def test_a_file_has_to_be_there_and_of_a_known_kind(tmp_path):
    with pytest.raises(RulesError, match="cannot be read"):
        find_rules(tmp_path / "none.toml")
    with pytest.raises(RulesError, match=r"has to end in \.toml or \.json"):
        find_rules(write(tmp_path, TOML, "rules.yaml"))
