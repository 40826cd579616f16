"""Shapes of replies that a server can't be made to give; the others are in test_sender_cluster."""

from collections.abc import Sequence

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
from splare_os.index import set_testing
from splare_os.index.bulk import BulkOptions
from splare_os.index.sender import Sender
from tests.index.scripted import Answer, Index, Script, actions, item, statuses, stored

pytestmark = pytest.mark.usefixtures("four_tries")

TOO_MUCH = "TransportError: too much"


def send(
    script: Script,
    names: str = "ab",
    options: BulkOptions | None = None,
    index: Index | None = None,
) -> list[object]:
    found = Sender(script, index or Index(), options).send(actions(*names))
    return [refusal and (refusal.status, refusal.reason) for refusal in found]


def test_no_action_is_no_request():
    script = Script()
    assert send(script, "") == []
    assert script.sent == []


def test_chunked_equals_whole():
    refused = statuses(b=400)
    whole = send(Script(*[refused] * 3), "abc")
    assert whole == send(Script(*[refused] * 5), "abc", BulkOptions(max_actions=1))
    assert whole == [None, (400, "some_exception: so it is"), None]


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


def test_an_item_that_trips_the_server_is_dead_after_five_tries_and_three_alone():
    script = Script(*[statuses(b=500)] * 8)
    with set_testing(most_tries=8):
        assert send(script) == [None, (500, "some_exception: so it is")]
    assert script.sent == ["ab", *"bbbbbbb"]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_item_refused_for_what_is_not_its_fault_ends_the_run(status):
    script = Script(statuses(b=status))
    with pytest.raises(BulkError, match=f"status {status}.*run the same command again"):
        send(script)
    assert script.sent == ["ab"]


def test_an_item_refused_for_who_knows_what_is_dead_after_three_tries_if_the_index_takes_writes():
    script, index = Script(*[statuses(a=400)] * 3), Index()
    assert send(script, index=index) == [(400, "some_exception: so it is"), None]
    assert (script.sent, index.n_probes) == (["ab", "a", "a"], 3)
    assert send(Script(*[statuses(a=400)] * 2)) == [None, None]


def test_an_item_refused_for_its_content_is_dead_at_once():
    error = {"type": "mapper_parsing_exception", "reason": "no date"}
    script, index = Script(lambda _: {"items": [item("a", 400, error=error)]}), Index()
    assert send(script, "a", index=index) == [(400, "mapper_parsing_exception: no date")]
    assert (script.sent, index.n_probes) == (["a"], 0)


@pytest.mark.parametrize("names", ["a", "ab"])
def test_an_item_refused_by_an_index_that_takes_no_writes_ends_the_run(names):
    script = Script(statuses(a=400))
    with pytest.raises(BulkError, match="so it is; it takes no writes: index_closed_exception"):
        send(script, names, index=Index("index_closed_exception"))


def test_many_items_refused_for_one_reason_and_no_other_stored_end_the_run():
    names = "abcdefghijklmnop"
    with pytest.raises(BulkError, match="refuses 16 of 16 documents: status 400"):
        send(Script(*[statuses(**dict.fromkeys(names, 400))] * 3), names)
    assert send(Script(*[statuses(**dict.fromkeys(names, 400))] * 3), names + "q")[-1] is None


def test_a_document_that_moved_is_written_over_what_is_there():
    script = Script(statuses(b=409))
    assert send(script, index=Index(b=41)) == [None, None]
    assert (script.sent, script.over) == (["ab", "b"], [[None, None], [41]])


def test_a_document_that_always_moves_is_dead():
    script = Script(*[statuses(b=409)] * 99)
    assert send(script, index=Index(b=41)) == [None, (409, "some_exception: so it is")]


def test_an_index_that_is_another_one_now_ends_the_run():
    with pytest.raises(BulkError, match="created anew"):
        send(Script(), index=Index(gone="created anew"))


def test_a_short_reply_has_the_missing_sent_again():
    script = Script(lambda _: {"items": [item("a")]})
    assert send(script, "abc") == [None] * 3
    assert script.sent == ["abc", "bc"]


def test_a_document_that_no_reply_ever_mentions_is_dead():
    silence = [lambda ids: {"items": [item(name) for name in ids if name != "b"]}] * 7
    script = Script(*silence)
    assert send(script) == [None, (0, "the cluster's reply has no item for this document")]
    assert script.sent == ["ab", *"bbbbbb"]


@pytest.mark.parametrize(
    "failure",
    [
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
        TransportError(500, "x", {}),
        NoConnection("N/A", "refused", OSError()),
        SerializationError("a page"),
    ],
)
def test_a_request_that_never_passes_ends_the_run(failure):
    script = Script(*[failure] * 4)
    with pytest.raises(BulkError, match="refuses 2 of 2 documents"):
        send(script, index=Index("it does not answer"))
    assert script.sent == ["ab"] * 4


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
        send(script, index=Index("nor that"))
    assert script.sent == ["ab"]


@pytest.mark.parametrize("status", [400, 413])
def test_a_refused_request_is_halved_down_to_the_document_that_is_to_blame(status):
    def refuse_c(ids: list[str]) -> object:
        if "c" in ids:
            raise TransportError(status, "too much", {})
        return stored(ids)

    script = Script(*[refuse_c] * 10)
    assert send(script, "abcd") == [None, None, (status, f"status {status}, {TOO_MUCH}"), None]
    assert script.sent == ["abcd", "ab", "cd", "c", "c", "c", "d", "c"]


@pytest.mark.parametrize(
    "failure",
    [
        TransportError(500, "too much", {}),
        TransportError(502, "too much", {}),
        TransportError(403, "too much", {}),
        NoConnection("N/A", "reset", OSError()),
        SerializationError("a page"),
    ],
)
def test_a_document_that_breaks_every_request_is_found_and_dead(failure):
    def break_at_c(ids: list[str]) -> object:
        if "c" in ids:
            raise failure
        return stored(ids)

    with set_testing(most_tries=8):
        found = send(Script(*[break_at_c] * 99), "abcd")
    assert [fate is None for fate in found] == [True, True, False, True]


@pytest.mark.parametrize("is_page", [True, False])
def test_a_document_is_stored_if_its_last_write_moves_it_whatever_the_cluster_says(is_page):
    index = Index(c=3)  # an earlier line's

    def lose_c(ids: list[str]) -> object:
        index.there["c"] += "c" in ids
        if "c" in ids and is_page:
            raise SerializationError("a page")
        return statuses(c=500)(ids)

    with set_testing(most_tries=8):
        assert send(Script(*[lose_c] * 99), "abcd", index=index) == [None] * 4


def test_a_document_that_was_there_before_and_does_not_move_is_dead():
    silence = [lambda ids: {"items": [item(name) for name in ids if name != "b"]}] * 7
    assert send(Script(*silence), index=Index(b=3))[1] is not None


def test_a_busy_cluster_buries_nobody():
    def too_busy_for_c(ids: list[str]) -> object:
        if "c" in ids:
            raise TransportError(429, "busy", {})
        return stored(ids)

    with set_testing(most_tries=8), pytest.raises(BulkError, match="status 429.*overloaded"):
        send(Script(*[too_busy_for_c] * 99), "abcd")


@pytest.mark.parametrize("status", [400, 413])
def test_a_lone_document_is_tried_again_before_it_is_dead(status):
    failure = TransportError(status, "too much", {})
    assert send(Script(failure, failure), "a") == [None]
    assert send(Script(*[failure] * 4), "a") == [(status, f"status {status}, {TOO_MUCH}")]


def test_if_no_document_is_taken_even_alone_the_run_ends():
    failures = [RequestError(400, "no such parameter", {})] * 99
    with pytest.raises(BulkError, match="refuses 4 of 4 documents: status 400"):
        send(Script(*failures), "abcd")
    with pytest.raises(BulkError, match="refuses 1 of 1 documents: status 400"):
        send(Script(*failures), "abcd", index=Index("no such parameter"))


def test_a_stop_ends_the_wait():
    sender = Sender(Script(*[statuses(a=429)] * 4), Index())
    sender.stop.set()
    with pytest.raises(BulkError, match="stopped"):
        sender.send(actions("a"))


def fates(script: Script, names: Sequence[str]) -> int:
    return len(Sender(script, Index()).send(actions(*names)))


def test_every_action_has_a_fate_whatever_comes_first():
    failures = [TransportError(503, "x", {}), statuses(a=429), lambda _: {"items": []}]
    assert fates(Script(*failures), "abc") == 3


@pytest.mark.parametrize(
    "answer",
    [statuses(a=500, b=500), lambda ids: {}, lambda ids: "a proxy's page"],  # noqa: ARG005
)
def test_what_no_document_gets_through_is_not_the_documents_fault(answer: Answer):
    with pytest.raises(BulkError, match="refuses 2 of 2 documents"):
        send(Script(*[answer] * 4), index=Index("no reply"))


def test_few_that_fail_each_time_are_dead_where_the_index_takes_others():
    found = send(Script(*[statuses(a=500, b=500)] * 10))
    assert [refusal[0] for refusal in found] == [500, 500]


def test_one_document_that_meets_500_again_and_again_is_dead():
    (first, second) = send(Script(*[statuses(b=500)] * 7))
    assert first is None
    assert second[0] == 500
