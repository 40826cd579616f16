import json

import pytest

from splare_os.documents.document import parse
from splare_os.documents.fields import Fields

FIELDS = Fields()


def reason(line: object) -> str:
    raw = line if isinstance(line, bytes) else json.dumps(line).encode()
    return parse("a.jsonl", 1, raw, FIELDS).reason


def test_a_line_gives_id_body_and_the_text_to_encode():
    document = parse("a.jsonl", 3, b'{"_id": "7", "title": "T", "text": " x ", "n": 1}\n', FIELDS)
    assert (document.id, document.text, document.line) == ("7", "T  x", 3)
    assert document.body == {"title": "T", "text": " x ", "n": 1}
    assert not document.reason


def test_an_integer_id_is_a_string_in_the_cluster():
    assert parse("a", 1, b'{"_id": 7}', FIELDS).id == "7"


def test_an_id_under_another_key_stays_in_the_document():
    document = parse("a", 1, b'{"doc": "7", "text": "x"}', Fields(id="doc"))
    assert (document.id, document.body) == ("7", {"doc": "7", "text": "x"})


def test_without_a_title_field_the_title_is_not_encoded():
    fields = Fields(text="body", title=None)
    document = parse("a", 1, b'{"_id": "1", "title": "T", "body": "x"}', fields)
    assert document.text == "x"


@pytest.mark.parametrize("line", [{"_id": "1"}, {"_id": "1", "text": None}, {"_id": 1, "text": ""}])
def test_a_missing_text_is_an_empty_one(line):
    assert reason(line) == ""


def test_each_fault_has_its_reason():
    assert reason(b"{") == "invalid JSON: unexpected end of data: line 1 column 2 (char 1)"
    assert "surrogate" in reason(rb'{"_id": "\ud800"}')
    assert "invalid JSON" in reason(b'{"_id": "1", "text": "\xff"}')
    assert reason([1]) == "not a JSON object but an array"
    assert reason("x") == "not a JSON object but a string"
    assert reason({"text": "x"}) == "no id: the key '_id' is missing or null"
    assert reason({"_id": 1.5}).startswith("id of type a number")
    assert reason({"_id": True}).startswith("id of type a boolean")
    assert reason({"_id": ""}).startswith("id is empty")
    told = "field 'text' is a number: it has to be a string, or some"
    assert reason({"_id": "1", "text": 5}) == told
    assert reason({"_id": "1", "text": ["x", 5]}) == told
    assert reason({"_id": "1", "title": {"x": 1}}).startswith("field 'title' is an object")


def test_an_id_has_at_most_512_bytes_of_utf8():
    assert reason({"_id": "é" * 256}) == ""
    assert reason({"_id": "é" * 300}) == "id of 600 bytes: the cluster takes at most 512"


def test_a_dead_line_keeps_its_id_when_it_has_one():
    assert parse("a", 1, b'{"_id": "9", "text": 5}', FIELDS).id == "9"


def text_of(body: dict[str, object], fields: Fields) -> str:
    return parse("a", 1, json.dumps({"_id": "1"} | body).encode(), fields).text


def test_texts_of_an_array_are_joined():
    assert text_of({"title": ["a", "b"], "text": ["c", None, ["d"]]}, FIELDS) == "a b c d"


def test_a_text_inside_objects_is_found_by_its_path():
    fields = Fields(text="parts.text", title="meta.name")
    body = {"meta": {"name": "N"}, "parts": [{"text": "x"}, {"text": "y"}, {"other": "z"}]}
    assert text_of(body, fields) == "N x y"
    assert text_of({"meta.name": "N", "parts": "no object"}, fields) == "N"


def test_a_template_says_what_is_encoded():
    fields = Fields(template="{brand}: {text}")
    assert text_of({"brand": "B", "text": "x", "title": "no"}, fields) == "B: x"
    assert text_of({"brand": "B"}, fields) == "B:"
    assert text_of({"title": "no"}, fields) == ""
