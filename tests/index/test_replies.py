import pytest

from splare_os.errors import ReplyError
from splare_os.index.actions import Action
from splare_os.index.replies import remedy, verdict, verdicts

ACTIONS = [Action("i", name, b"{}") for name in "ab"]


def item(name: str, status: object = 201, **rest: object) -> dict[str, object]:
    return {"index": {"_index": "i", "_id": name, "status": status} | rest}


def advice(status: int) -> str | None:
    error = {"type": "some_exception", "reason": "so it is"}
    found = verdict({"_id": "a", "status": status, "error": error}, ACTIONS[0])
    return found and found.advice


@pytest.mark.parametrize(
    ("status", "expected"),
    [(429, "again"), (500, "again"), (502, "again"), (503, "again"), (504, "again"),
     (400, "doubt"), (406, "doubt"), (409, "moved"), (401, "stop"), (403, "stop"), (404, "stop")],
)  # fmt: skip
def test_a_status_says_whose_fault_it_is(status, expected):
    assert advice(status) == expected


@pytest.mark.parametrize("error", [None, "x", [], {"type": None}, {"type": []}, {"type": ["x"]}])
def test_an_error_of_any_shape_leaves_doubt(error):
    found = verdict({"_id": "a", "status": 400, "error": error}, ACTIONS[0])
    assert found is not None
    assert found.advice == "doubt"


def test_created_and_updated_are_stored():
    assert verdicts({"items": [item("a"), item("b", 200)]}, ACTIONS) == [None, None]


def test_the_reason_names_error_and_cause():
    error = {"type": "t", "reason": "r", "caused_by": {"type": "c", "reason": "why"}}
    [refusal] = verdicts({"items": [item("a", 400, error=error)]}, ACTIONS[:1])
    assert refusal is not None
    assert (refusal.status, refusal.reason) == (400, "t: r; caused by c: why")


def test_an_error_that_is_a_word_is_the_reason():
    [refusal] = verdicts({"items": [item("a", 400, error="no")]}, ACTIONS[:1])
    assert refusal is not None
    assert refusal.reason == "no"


def test_a_short_reply_is_matched_by_id_and_the_rest_is_sent_again():
    missing, stored = verdicts({"items": [item("b")]}, ACTIONS)
    assert stored is None
    assert missing is not None
    assert (missing.advice, missing.status) == ("again", 0)
    assert "no item for this document" in missing.reason


@pytest.mark.parametrize(
    "kind", ["mapper_parsing_exception", "strict_dynamic_mapping_exception", "json_parse_exception"]
)
def test_an_error_of_parsing_is_the_documents_own(kind):
    error = {"type": kind, "reason": "so it is"}
    [refusal] = verdicts({"items": [item("a", 400, error=error)]}, ACTIONS[:1])
    assert refusal is not None
    assert refusal.advice == "dead"


def test_a_pipeline_that_is_not_there_is_nobodys_fault():
    error = {"type": "illegal_argument_exception", "reason": "pipeline with id [p] does not exist"}
    [refusal] = verdicts({"items": [item("a", 400, error=error)]}, ACTIONS[:1])
    assert refusal is not None
    assert refusal.advice == "stop"


def test_items_in_another_order_are_matched_by_id():
    refused = item("b", 400, error={"type": "mapper_parsing_exception", "reason": "r"})
    stored, dead = verdicts({"items": [refused, item("a")]}, ACTIONS)
    assert stored is None
    assert dead is not None
    assert dead.advice == "dead"


@pytest.mark.parametrize("reply", [{}, {"items": "x"}, "a page", None, []])
def test_a_reply_without_items_is_none(reply):
    with pytest.raises(ReplyError, match="items"):
        verdicts(reply, ACTIONS)


@pytest.mark.parametrize(
    "items", [[], [{}, 5], [item("a", "x"), {"index": 5}], [item("x"), item("y"), item("z")]]
)
def test_documents_that_a_reply_does_not_mention_are_sent_again(items):
    found = verdicts({"items": items}, ACTIONS)
    assert [one and one.advice for one in found] == ["again"] * 2


@pytest.mark.parametrize("name", [None, 7, ["a"]])
def test_an_item_without_an_id_tells_nothing(name):
    found = verdicts({"items": [item("a", _id=name)]}, ACTIONS[:1])
    assert [one and one.advice for one in found] == ["again"]


def test_an_item_that_is_stored_and_has_an_error_is_sent_again():
    found = verdict(item("a", error={"type": "x", "reason": "y"})["index"], ACTIONS[0])
    assert found is not None
    assert (found.status, found.advice) == (0, "again")


def test_a_pipeline_can_divert_rename_or_drop():
    diverted = verdict({"_id": "a", "_index": "dead", "status": 201}, ACTIONS[0])
    renamed = verdict({"_id": "z", "_index": "i", "status": 201}, ACTIONS[0])
    dropped = verdict({"_id": "a", "_index": "i", "status": 200, "result": "noop"}, ACTIONS[0])
    reasons = [found.reason for found in (diverted, renamed, dropped) if found]
    assert dropped is not None
    assert reasons == [
        "diverted by an ingest pipeline to the index 'dead'",
        "stored under the id 'z' by an ingest pipeline",
        "dropped by an ingest pipeline of the index",
    ]
    assert "Take that pipeline off" in remedy(dropped)
