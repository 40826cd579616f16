import json
from dataclasses import replace

import pytest

from splare_os.documents.document import Document
from splare_os.documents.fields import Fields
from splare_os.documents.shards import Version
from splare_os.impacts import from_features
from splare_os.index.actions import Stored, Target, is_unchanged, to_action
from splare_os.layout.field import FieldImpacts, digest
from splare_os.scoring import Saturation

TARGET = Target("i", "text_splare", "f" * 16, 400)


def document(**body: object) -> Document:
    return Document("a.jsonl", 1, b"", "7", dict(body), str(body.get("text", "")))


def test_an_action_is_two_lines_with_the_whole_document():
    impacts = FieldImpacts.of(from_features([{}, {"5": 2.0, "7": 0.5}], 8), None)
    action = to_action(document(text="x", year=1999), impacts, 1, TARGET)
    head, body = map(json.loads, action.lines.splitlines())
    assert head == {"create": {"_index": "i", "_id": "7"}}
    assert body == {
        "text": "x",
        "year": 1999,
        "text_splare": {
            "impacts": {"5": 2.0, "7": 0.5},
            "latents": ["5", "7"],
            "count": 2,
            "length": 2.5,
            "digest": digest("x", "f" * 16, 400),
        },
    }


def test_what_is_there_is_written_over_if_nobody_else_did_meanwhile():
    action = to_action(document(text=""), None, 0, TARGET, Stored({}, Version(41, 2)))
    head, _ = map(json.loads, action.lines.splitlines())
    assert head == {"index": {"_index": "i", "_id": "7", "if_seq_no": 41, "if_primary_term": 2}}


@pytest.mark.parametrize("impacts", [None, FieldImpacts.of(from_features([{}], 8), None)])
def test_a_text_without_impacts_has_a_count_of_zero_and_a_digest(impacts):
    body = json.loads(to_action(document(text=""), impacts, 0, TARGET).lines.splitlines()[1])
    assert body["text_splare"] == {"count": 0, "digest": digest("", "f" * 16, 400)}


def test_what_nests_too_deeply_cannot_be_written():
    deep: dict[str, object] = {}
    for _ in range(300):
        deep = {"a": deep}
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        to_action(document(**deep), None, 0, TARGET)


def test_a_line_without_a_document_is_no_action():
    with pytest.raises(ValueError, match="line 1 is no document: invalid JSON"):
        to_action(Document("a", 1, b"{", reason="invalid JSON"), None, 0, TARGET)


def held(text: str, **rest: object) -> dict[str, object]:
    made = digest(text, TARGET.fingerprint, TARGET.top_k)
    return {"text": text, "text_splare": {"count": 1, "digest": made}} | rest


def test_equal_text_and_equal_rest_is_unchanged():
    assert is_unchanged(document(text="x", a=1), held("x", a=1), TARGET)


def test_another_text_model_or_field_is_a_change():
    assert not is_unchanged(document(text="x"), held("y"), TARGET)
    assert not is_unchanged(document(text="x", a=1), held("x"), TARGET)
    assert not is_unchanged(document(text="x", a=1), held("x", a=2), TARGET)
    assert not is_unchanged(document(text="x"), held("x"), Target("i", "text_splare", "e", 400))
    assert not is_unchanged(document(text="x"), held("x"), Target("i", "text_splare", "f" * 16, 9))
    saturated = Target("i", "text_splare", "f" * 16, 400, Saturation(2.0))
    assert not is_unchanged(document(text="x"), held("x"), saturated)


def test_true_is_not_one():
    assert not is_unchanged(document(text="x", a=True), held("x", a=1), TARGET)


def test_what_is_not_there_or_has_no_impacts_is_no_equal():
    assert not is_unchanged(document(text="x"), None, TARGET)
    assert not is_unchanged(document(text="x"), {"text": "x"}, TARGET)


TWO = replace(TARGET, others=(("title_splare", Fields("title", None)),))
HELD = Stored({"text": "x", "title": "a", "title_splare": {"count": 3}}, Version(4, 1))


def test_other_impacts_stay_where_their_text_does():
    stays = json.loads(to_action(document(text="y", title="a"), None, 0, TWO, HELD).source)
    assert stays["title_splare"] == {"count": 3}
    moves = json.loads(to_action(document(text="y", title="b"), None, 0, TWO, HELD).source)
    assert "title_splare" not in moves


def test_other_impacts_are_no_difference():
    same = document(text="x", title="a")
    ours = json.loads(to_action(same, None, 0, TWO, HELD).source)
    assert is_unchanged(same, ours, TWO)
    assert not is_unchanged(same, ours, TARGET)
