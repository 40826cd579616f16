"""What a page of documents needs, and what became of it; no cluster."""

import json

import pytest

from splare_os.documents.fields import Fields
from splare_os.documents.shards import Held, Version
from splare_os.index.actions import Target, text_digest
from splare_os.index.batch import BACKFILL_STATUSES, Batch, make_batch
from splare_os.index.replies import Refusal
from splare_os.index.scan import Page
from splare_os.layout import DocumentCut
from tests.hashing import HashEncoder

TARGET = Target("shop", "text_splare", HashEncoder().fingerprint, DocumentCut(400))
MOVED = Refusal(409, "another version", "moved")


def batch(*sources: dict[str, object], routing: str | None = None) -> Batch:
    held = [Held(f"d{n}", Version(n, 1), one, routing) for n, one in enumerate(sources)]
    return make_batch(Page(0, len(held), held), TARGET, Fields(), HashEncoder())


def current(text: str, **rest: object) -> dict[str, object]:
    """A document as a backfill leaves it."""
    ours = {"digest": text_digest(text, TARGET), "count": 1, "impacts": {"7": 0.5}} | rest
    return {"text": text, "text_splare": ours}


def statuses(made: Batch, verdicts: list[Refusal | None], present: str = "") -> list[str]:
    settled = made.settle(verdicts, {present})
    assert all(outcome.status in BACKFILL_STATUSES for outcome, _ in settled)
    return [outcome.status for outcome, _ in settled]


def test_a_document_without_impacts_gets_those_of_its_text():
    made = batch({"title": "Ants", "text": "carry", "price": 5})
    [update] = made.actions.values()
    head, body = map(json.loads, update.lines.splitlines())
    name = {"_index": "shop", "_id": "d0", "if_seq_no": 0, "if_primary_term": 1}
    assert head == {"update": name}
    ours = body["doc"]["text_splare"]
    latents = {str(HashEncoder().latent(word)) for word in ("ants", "carry")}
    assert ours["impacts"].keys() == latents
    assert (ours["count"], ours["digest"]) == (2, text_digest("Ants carry", TARGET))
    assert statuses(made, [None]) == ["indexed"]


def test_impacts_of_another_text_are_replaced_and_not_merged():
    made = batch(current("old") | {"text": "new"}, routing="r")
    [update] = made.actions.values()
    head, body = map(json.loads, update.lines.splitlines())
    assert head["update"]["routing"] == "r"
    assert body["script"]["source"] == "ctx._source[params.field] = params.value"
    assert body["script"]["params"]["field"] == "text_splare"
    assert list(body["script"]["params"]["value"]["impacts"]) == [str(HashEncoder().latent("new"))]


def test_what_a_cluster_keeps_and_utf_8_does_not_is_a_dead_letter():
    made = batch({"text": "ants \ud800"}, {"text": 2**70}, {"text": "bees", "n": 2**70})
    settled = made.settle([None], ())
    assert [outcome.status for outcome, _ in settled] == ["dead", "dead", "indexed"]
    assert "half of a surrogate pair" in settled[0][0].reason
    letters = [json.loads(letter)["document"] for _, letter in settled[:2]]
    assert letters == [{"text": "ants \ud800"}, {"text": 2**70}]


def test_an_object_that_others_emptied_is_replaced():
    [update] = batch({"text": "ants", "text_splare": None}).actions.values()
    assert b'"script"' in update.lines


@pytest.mark.parametrize(
    ("source", "status"),
    [
        (current("ants"), "unchanged"),
        (current("!", count=0, impacts=None), "unchanged"),
        ({"price": 5}, "empty"),
        ({"text": "", "title": None}, "empty"),
        ({"text": 5}, "dead"),
        ({"text": "xyzzy"}, "dead"),
    ],
)
def test_what_needs_nothing_or_can_have_nothing_is_not_written(source, status):
    made = batch(source)
    assert not made.actions
    assert statuses(made, []) == [status]


def test_impacts_that_are_not_of_this_text_are_made():
    assert batch(current("ants", digest="0" * 16)).actions


def test_impacts_that_are_not_there_are_made():
    held = [Held(f"d{n}", Version(n, 1), current("ants")) for n in range(2)]
    made = make_batch(Page(0, 2, held), TARGET, Fields(), HashEncoder(), lacking={"d1"})
    assert list(made.actions) == [1]


def test_a_text_that_is_gone_takes_its_impacts_along():
    made = batch(current("ants") | {"text": None})
    [update] = made.actions.values()
    body = json.loads(update.lines.splitlines()[1])
    ours = body["script"]["params"]["value"]
    assert ours == {"count": 0, "digest": text_digest("", TARGET)}
    assert statuses(made, [None]) == ["empty"]


def test_what_others_wrote_meanwhile_has_moved_or_is_gone():
    made = batch({"text": "a"}, {"text": "b"})
    assert statuses(made, [MOVED, MOVED], present="d0") == ["moved", "gone"]


def test_a_refused_document_is_dead_with_a_letter():
    made = batch({"text": "a", "n": 1}, {"text": 5})
    settled = made.settle([Refusal(400, "so it is", "dead")], set())
    letters = [json.loads(letter) for _, letter in settled]
    assert letters == [
        {
            "_id": "d0",
            "index": "shop",
            "seq_no": 0,
            "status": 400,
            "reason": "so it is",
            "document": {"text": "a", "n": 1},
        },
        {
            "_id": "d1",
            "index": "shop",
            "seq_no": 1,
            "reason": "field 'text' is a number: it has to be a string, or some",
            "document": {"text": 5},
        },
    ]
