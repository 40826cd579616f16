import pytest

from splare_os.index.actions import Action
from splare_os.index.replies import verdict, verdicts

ACTIONS = [Action("a", b""), Action("b", b"")]


def item(name: str, status: object = 201, **rest: object) -> dict[str, object]:
    return {"index": {"_index": "i", "_id": name, "status": status} | rest}


def advice(status: int) -> str | None:
    error = {"type": "some_exception", "reason": "so it is"}
    found = verdict({"_id": "a", "status": status, "error": error}, ACTIONS[0], "i")
    return found and found.advice


@pytest.mark.parametrize(
    ("status", "expected"),
    [(429, "again"), (500, "again"), (502, "again"), (503, "again"), (504, "again"),
     (400, "dead"), (409, "dead"), (401, "stop"), (403, "stop"), (404, "stop")],
)  # fmt: skip
def test_a_status_says_whose_fault_it_is(status, expected):
    assert advice(status) == expected


def test_created_and_updated_are_stored():
    assert verdicts({"items": [item("a"), item("b", 200)]}, ACTIONS, "i") == [None, None]


def test_the_reason_names_error_and_cause():
    error = {"type": "t", "reason": "r", "caused_by": {"type": "c", "reason": "why"}}
    [refusal] = verdicts({"items": [item("a", 400, error=error)]}, ACTIONS[:1], "i")
    assert refusal is not None
    assert (refusal.status, refusal.reason) == (400, "t: r; caused by c: why")


def test_an_error_that_is_a_word_is_the_reason():
    [refusal] = verdicts({"items": [item("a", 400, error="no")]}, ACTIONS[:1], "i")
    assert refusal is not None
    assert refusal.reason == "no"


def test_a_short_reply_is_matched_by_id_and_the_rest_is_sent_again():
    missing, stored = verdicts({"items": [item("b")]}, ACTIONS, "i")
    assert stored is None
    assert missing is not None
    assert (missing.advice, missing.status) == ("again", 0)
    assert "no item for this document" in missing.reason


@pytest.mark.parametrize(
    "reply",
    [{}, {"items": []}, {"items": "x"}, "a page", None, {"items": [{}, 5]},
     {"items": [item("a", "x"), {"index": 5}]}, {"items": [item("x"), item("y"), item("z")]}],
)  # fmt: skip
def test_an_unreadable_reply_has_every_document_sent_again(reply):
    assert [found and found.advice for found in verdicts(reply, ACTIONS, "i")] == ["again"] * 2


def test_a_pipeline_can_divert_rename_or_drop():
    diverted = verdict({"_id": "a", "_index": "dead", "status": 201}, ACTIONS[0], "i")
    renamed = verdict({"_id": "z", "_index": "i", "status": 201}, ACTIONS[0], "i")
    dropped = verdict({"_id": "a", "_index": "i", "status": 200, "result": "noop"}, ACTIONS[0], "i")
    reasons = [found.reason for found in (diverted, renamed, dropped) if found]
    assert reasons == [
        "diverted by an ingest pipeline to the index 'dead'",
        "stored under the id 'z' by an ingest pipeline",
        "dropped by an ingest pipeline of the index",
    ]
