"""Shapes of replies that a server can't be made to give; the others are in test_bulk_cluster."""

import json
from collections.abc import Callable, Mapping, Sequence

import pytest
from opensearchpy import (
    AuthenticationException,
    AuthorizationException,
    ConnectionTimeout,
    NotFoundError,
    RequestError,
    SerializationError,
    TransportError,
)
from opensearchpy import ConnectionError as NoConnection
from opensearchpy.exceptions import SSLError

from splare_os.errors import BulkError
from splare_os.index.actions import Action
from splare_os.index.bulk import BulkOptions, Sender, chunks

pytestmark = pytest.mark.usefixtures("four_tries")

Answer = Exception | Callable[[list[str]], object]


def actions(*names: str, padding: int = 0) -> list[Action]:
    return [
        Action(name, b'{"index":{"_id":"%b"}}\n{"x":"%b"}\n' % (name.encode(), b"x" * padding))
        for name in names
    ]


def item(name: str, status: int = 201, **rest: object) -> dict[str, object]:
    return {"index": {"_index": "i", "_id": name, "status": status} | rest}


def stored(ids: list[str]) -> object:
    return {"items": [item(name) for name in ids]}


def statuses(**by_id: int) -> Callable[[list[str]], object]:
    error = {"type": "some_exception", "reason": "so it is"}
    return lambda ids: {
        "items": [
            item(name, by_id.get(name, 201), **({"error": error} if name in by_id else {}))
            for name in ids
        ]
    }


class Script:
    """A transport that gives the scripted answers in turn, then stores everything."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.sent = list(answers), []

    def bulk(self, *, body: bytes, params: Mapping[str, str | float]) -> object:  # noqa: ARG002
        ids = [json.loads(line)["index"]["_id"] for line in body.splitlines()[::2]]
        self.sent.append("".join(ids))
        answer = self.answers.pop(0) if self.answers else stored
        if isinstance(answer, Exception):
            raise answer
        return answer(ids)


def send(script: Script, names: str = "ab", options: BulkOptions | None = None) -> list[object]:
    found = Sender(script, "i", options).send(actions(*names))
    return [refusal and (refusal.status, refusal.reason) for refusal in found]


def test_chunks_are_cut_by_count():
    cut = chunks(actions(*"abcde"), BulkOptions(max_actions=2))
    assert ["".join(action.id for action in chunk) for chunk in cut] == ["ab", "cd", "e"]


def test_chunks_are_cut_by_bytes_and_a_large_document_goes_alone():
    sized = [Action(name, b"x" * size) for name, size in zip("abcd", (4, 6, 50, 1), strict=True)]
    cut = chunks(sized, BulkOptions(max_bytes=10))
    assert ["".join(action.id for action in chunk) for chunk in cut] == ["ab", "c", "d"]


def test_no_action_is_no_request():
    script = Script()
    assert send(script, "") == []
    assert script.sent == []


def test_chunked_equals_whole():
    refused = statuses(b=400)
    whole = send(Script(refused), "abc")
    assert whole == send(Script(*[refused] * 3), "abc", BulkOptions(max_actions=1))
    assert whole == [None, (400, "some_exception: so it is"), None]


def test_bounds_have_to_be_positive():
    with pytest.raises(ValueError, match="max_actions=0"):
        BulkOptions(max_actions=0)


def test_a_pipeline_is_named_in_the_request():
    assert BulkOptions(pipeline="p").params() == {"request_timeout": 60.0, "pipeline": "p"}
    assert BulkOptions().params() == {"request_timeout": 60.0}


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_an_item_that_may_pass_is_sent_again_alone(status):
    script = Script(statuses(b=status))
    assert send(script, "abc") == [None] * 3
    assert script.sent == ["abc", "b"]


@pytest.mark.parametrize("status", [429, 503])
def test_an_item_that_never_passes_ends_the_run(status):
    script = Script(*[statuses(b=status)] * 4)
    with pytest.raises(BulkError, match=f"refuses 1 of 2 documents: status {status}, some_exc"):
        send(script)
    assert script.sent == ["ab", "b", "b", "b"]


def test_an_item_that_trips_the_server_is_dead_after_three_tries():
    script = Script(*[statuses(b=500)] * 4)
    assert send(script) == [None, (500, "some_exception: so it is")]
    assert script.sent == ["ab", "b", "b"]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_item_refused_for_what_is_not_its_fault_ends_the_run(status):
    script = Script(statuses(b=status))
    with pytest.raises(BulkError, match=f"status {status}.*run the same command again"):
        send(script)
    assert script.sent == ["ab"]


@pytest.mark.parametrize("status", [400, 409])
def test_an_item_refused_for_its_content_is_dead_at_once(status):
    script = Script(statuses(a=status))
    assert send(script) == [(status, "some_exception: so it is"), None]
    assert script.sent == ["ab"]


def test_a_short_reply_has_the_missing_sent_again():
    script = Script(lambda _: {"items": [item("a")]})
    assert send(script, "abc") == [None] * 3
    assert script.sent == ["abc", "bc"]


def test_a_document_that_no_reply_ever_mentions_is_dead():
    script = Script(*[lambda ids: {"items": [item(name) for name in ids if name != "b"]}] * 4)
    assert send(script) == [None, (0, "the cluster's reply has no item for this document")]
    assert script.sent == ["ab", "b", "b", "b"]


@pytest.mark.parametrize(
    "failure",
    [
        TransportError(429, "circuit_breaking_exception", {}),
        TransportError(429, "rejected_execution_exception", {}),
        TransportError(500, "x", {}),
        TransportError(502, "<html>", None),
        TransportError(503, "x", {}),
        TransportError(504, "x", {}),
        NoConnection("N/A", "refused", OSError()),
        ConnectionTimeout("TIMEOUT", "read", OSError()),
        SerializationError("Unknown mimetype, unable to deserialize: text/html"),
    ],
)
def test_a_request_that_may_pass_is_sent_again(failure):
    script = Script(failure, failure)
    assert send(script) == [None] * 2
    assert script.sent == ["ab"] * 3


@pytest.mark.parametrize(
    "failure",
    [
        TransportError(429, "circuit_breaking_exception", {}),
        TransportError(500, "x", {}),
        NoConnection("N/A", "refused", OSError()),
        SerializationError("a page"),
    ],
)
def test_a_request_that_never_passes_ends_the_run(failure):
    script = Script(*[failure] * 4)
    with pytest.raises(BulkError, match="refuses 2 of 2 documents"):
        send(script)


@pytest.mark.parametrize(
    "failure",
    [
        AuthenticationException(401, "x", {}),
        AuthorizationException(403, "cluster_block_exception", {}),
        NotFoundError(404, "x", {}),
        TransportError(405, "x", {}),
        SSLError("N/A", "certificate verify failed", OSError()),
    ],
)
def test_a_request_that_cannot_pass_ends_the_run_at_once(failure):
    script = Script(failure)
    with pytest.raises(BulkError):
        send(script)
    assert script.sent == ["ab"]


@pytest.mark.parametrize("status", [400, 413])
def test_a_refused_request_is_halved_down_to_the_document_that_is_to_blame(status):
    def refuse_c(ids: list[str]) -> object:
        if "c" in ids:
            raise TransportError(status, "too much", {})
        return stored(ids)

    script = Script(*[refuse_c] * 10)
    assert send(script, "abcd") == [None, None, (status, "TransportError: too much"), None]
    assert script.sent == ["abcd", "ab", "cd", "c", "d"]


def test_a_single_document_that_is_too_large_is_dead():
    script = Script(TransportError(413, "too large", {}))
    assert send(script, "a") == [(413, "TransportError: too large")]


def test_if_no_document_is_taken_even_alone_the_run_ends():
    script = Script(*[RequestError(400, "no such parameter", {})] * 10)
    with pytest.raises(BulkError, match="refuses 4 of 4 documents: status 400"):
        send(script, "abcd")


def test_a_stop_ends_the_wait():
    sender = Sender(Script(*[statuses(a=429)] * 4), "i")
    sender.stop.set()
    with pytest.raises(BulkError, match="stopped"):
        sender.send(actions("a"))


def fates(script: Script, names: Sequence[str]) -> int:
    return len(Sender(script, "i").send(actions(*names)))


def test_every_action_has_a_fate_whatever_comes_first():
    failures = [TransportError(503, "x", {}), statuses(a=429), lambda _: {"items": []}]
    assert fates(Script(*failures), "abc") == 3


@pytest.mark.parametrize(
    "answer",
    [statuses(a=500, b=500), lambda ids: {}, lambda ids: "a proxy's page"],  # noqa: ARG005
)
def test_what_no_document_gets_through_is_not_the_documents_fault(answer: Answer):
    with pytest.raises(BulkError, match="refuses 2 of 2 documents"):
        send(Script(*[answer] * 4))


def test_one_document_that_meets_500_again_and_again_is_dead():
    (first, second) = send(Script(*[statuses(b=500)] * 4))
    assert first is None
    assert second[0] == 500
