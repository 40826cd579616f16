import json
from dataclasses import replace

import pytest

from splare_os.documents.document import Document
from splare_os.documents.fields import Fields
from splare_os.documents.shards import Version
from splare_os.index.actions import Stored, Target, is_unchanged, text_digest, to_action
from splare_os.layout import DocumentCut
from splare_os.layout.field import digest
from splare_os.layout.field_json import empty_field_json
from splare_os.scoring import Saturation

TARGET = Target("i", "text_splare", "f" * 16, DocumentCut(400))
FIELD = b'{"count":0,"digest":"ab"}'


def document(**body: object) -> Document:
    return Document("a.jsonl", 1, b"", "7", dict(body), str(body.get("text", "")))


def test_an_action_is_two_lines_with_the_whole_document():
    action = to_action(document(text="x", year=1999), FIELD, TARGET)
    head, body = map(json.loads, action.lines.splitlines())
    assert head == {"create": {"_index": "i", "_id": "7"}}
    assert body == {
        "text": "x",
        "year": 1999,
        "text_splare": {"count": 0, "digest": "ab"},
    }


def test_what_is_there_is_written_over_if_nobody_else_did_meanwhile():
    action = to_action(document(text=""), FIELD, TARGET, Stored({}, Version(41, 2)))
    head, _ = map(json.loads, action.lines.splitlines())
    assert head == {"index": {"_index": "i", "_id": "7", "if_seq_no": 41, "if_primary_term": 2}}


def test_what_nests_too_deeply_cannot_be_written():
    deep: dict[str, object] = {}
    for _ in range(300):
        deep = {"a": deep}
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        to_action(document(**deep), FIELD, TARGET)


def test_a_line_without_a_document_is_no_action():
    with pytest.raises(ValueError, match="line 1 is no document: invalid JSON"):
        to_action(Document("a", 1, b"{", reason="invalid JSON"), FIELD, TARGET)


def held(text: str, **rest: object) -> dict[str, object]:
    made = digest(text, TARGET.fingerprint, TARGET.cut)
    return {"text": text, "text_splare": {"count": 1, "digest": made}} | rest


def test_equal_text_and_equal_rest_is_unchanged():
    assert is_unchanged(document(text="x", a=1), held("x", a=1), TARGET)


def test_another_text_model_or_field_is_a_change():
    assert not is_unchanged(document(text="x"), held("y"), TARGET)
    assert not is_unchanged(document(text="x", a=1), held("x"), TARGET)
    assert not is_unchanged(document(text="x", a=1), held("x", a=2), TARGET)
    assert not is_unchanged(document(text="x"), held("x"), replace(TARGET, fingerprint="e"))
    for cut in (DocumentCut(9), DocumentCut(400, 0.9)):
        assert not is_unchanged(document(text="x"), held("x"), replace(TARGET, cut=cut))
    saturated = Target("i", "text_splare", "f" * 16, DocumentCut(400), Saturation(2.0))
    assert not is_unchanged(document(text="x"), held("x"), saturated)


def test_true_is_not_one():
    assert not is_unchanged(document(text="x", a=True), held("x", a=1), TARGET)


def test_what_is_not_there_or_has_no_impacts_is_no_equal():
    assert not is_unchanged(document(text="x"), None, TARGET)
    assert not is_unchanged(document(text="x"), {"text": "x"}, TARGET)


TWO = replace(TARGET, others=(("title_splare", Fields("title", None)),))
HELD = Stored({"text": "x", "title": "a", "title_splare": {"count": 3}}, Version(4, 1))


def test_other_impacts_stay_where_their_text_does():
    stays = json.loads(to_action(document(text="y", title="a"), FIELD, TWO, HELD).source)
    assert stays["title_splare"] == {"count": 3}
    moves = json.loads(to_action(document(text="y", title="b"), FIELD, TWO, HELD).source)
    assert "title_splare" not in moves


def test_other_impacts_are_no_difference():
    same = document(text="x", title="a")
    field = empty_field_json(text_digest("x", TWO))
    ours = json.loads(to_action(same, field, TWO, HELD).source)
    assert is_unchanged(same, ours, TWO)
    assert not is_unchanged(same, ours, TARGET)
