import hashlib
import json

import numpy as np
import pytest
from scipy.sparse import csr_array

from splare_os.impacts import from_features, stored, to_features
from splare_os.index.actions import (
    Target,
    bad_impacts,
    digest,
    impacts_object,
    is_unchanged,
    to_action,
)
from splare_os.index.sources import Document

TARGET = Target("i", "text_splare", "f" * 16, 400)


def document(**body: object) -> Document:
    return Document("a.jsonl", 1, b"", "7", dict(body), str(body.get("text", "")))


def test_the_digest_is_a_hash_over_model_cut_and_text():
    assert digest("x", "ff", 400) == hashlib.sha256(b"ff\n400\nx").hexdigest()[:16]
    assert len({digest("x", "ff", 400), digest("y", "ff", 400), digest("x", "fe", 400)}) == 3
    assert digest("x", "ff", 100) != digest("x", "ff", 400)


def test_impacts_stand_heaviest_first_as_lucene_keeps_them():
    impacts = from_features([{"3": 0.25, "10": 1.2345, "2": 0.25}], 16)
    assert impacts_object(impacts, 0) == {
        "impacts": {"10": 1.234375, "2": 0.25, "3": 0.25},
        "latents": ["10", "2", "3"],
        "count": 3,
    }
    assert list(impacts_object(impacts, 0)["impacts"]) == ["10", "2", "3"]


def test_the_fast_order_is_that_of_to_features():
    rng = np.random.default_rng(0)
    dense = (rng.random((5, 300)) * (rng.random((5, 300)) < 0.3)).astype(np.float32)
    impacts = csr_array(dense)
    for row in range(5):
        assert list(impacts_object(impacts, row)["impacts"].items()) == list(
            to_features(stored(impacts), row).items()
        )


def test_only_the_twenty_heaviest_latents_are_kept_for_aggregations():
    impacts = from_features([{str(n): 1.0 + n for n in range(30)}], 30)
    assert impacts_object(impacts, 0)["latents"] == [str(n) for n in range(29, 9, -1)]


def test_an_action_is_two_lines_with_the_whole_document():
    impacts = from_features([{}, {"5": 2.0}], 8)
    action = to_action(document(text="x", year=1999), impacts, 1, TARGET)
    head, body = map(json.loads, action.lines.splitlines())
    assert head == {"index": {"_index": "i", "_id": "7"}}
    assert body == {
        "text": "x",
        "year": 1999,
        "text_splare": {
            "impacts": {"5": 2.0},
            "latents": ["5"],
            "count": 1,
            "digest": digest("x", "f" * 16, 400),
        },
    }


@pytest.mark.parametrize("impacts", [None, from_features([{}], 8)])
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


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-39, np.inf, np.nan])
def test_what_lucene_refuses_is_found_with_its_latent(value):
    impacts = csr_array(
        (np.array([1, value, 1], dtype=np.float32), np.array([3, 4, 3]), np.array([0, 2, 3])),
        shape=(2, 8),
    )
    (row, reason), *others = bad_impacts(impacts).items()
    assert (row, others) == (0, [])
    assert "of latent 4: the encoder must give finite values" in reason


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


def test_true_is_not_one():
    assert not is_unchanged(document(text="x", a=True), held("x", a=1), TARGET)


def test_what_is_not_there_or_has_no_impacts_is_no_equal():
    assert not is_unchanged(document(text="x"), None, TARGET)
    assert not is_unchanged(document(text="x"), {"text": "x"}, TARGET)
