"""Whose fault it is: a document's own fails alike each time."""

import pytest
from opensearchpy import ConnectionError as NoConnection
from opensearchpy import NotFoundError, RequestError, TransportError

from splare_os.errors import BulkError
from splare_os.index.patience import set_testing
from splare_os.index.sender import Sender
from tests.index.scripted import Index, Script, actions, item, statuses

pytestmark = pytest.mark.usefixtures("four_tries")

TOO_MUCH = "TransportError: too much"


def send(script: Script, names: str) -> list[object]:
    found = Sender(script, Index()).send(actions(*names))
    return [refusal and (refusal.status, refusal.reason) for refusal in found]


def test_a_lone_document_that_meets_other_faults_each_time_is_not_at_fault():
    # four tries: as many as a document at fault would get, were its faults all alike
    faults = [NotFoundError(404, "x", {}), TransportError(413, "y", {}), RequestError(400, "z", {})]
    script = Script(*faults)
    assert send(script, "a") == [None]
    assert script.sent == ["a"] * 4


def test_a_lone_document_that_fails_alike_each_time_is_dead():
    script = Script(*[TransportError(413, "too much", {})] * 4)
    assert send(script, "a") == [(413, "status 413, " + TOO_MUCH)]
    assert script.sent == ["a"] * 4


@pytest.mark.parametrize("status", [403, 404, 429])
def test_a_last_try_that_meets_what_is_nobodys_fault_ends_the_run(status):
    script = Script(*[TransportError(413, "too much", {})] * 3, statuses(a=status))
    with pytest.raises(BulkError, match=f"refuses 1 of 1 documents: status {status}"):
        send(script, "a")
    assert script.sent == ["a"] * 4


def test_documents_sent_again_are_counted_whether_request_or_item_was_refused():
    refused = TransportError(429, "rejected_execution_exception", {})
    sender = Sender(Script(refused, statuses(a=201, b=429, c=201)), Index())
    assert sender.send(actions("a", "b", "c")) == [None] * 3
    assert sender.traffic.n_resent == 3 + 1
    halved = Sender(Script(TransportError(413, "too much", {})), Index())
    assert halved.send(actions("a", "b")) == [None] * 2
    assert halved.traffic.n_resent == 2


@pytest.mark.parametrize(("unheard", "is_dead"), [(9, False), (10, True)])
def test_a_document_whose_connection_breaks_each_time_is_dead_only_late(unheard, is_dead):
    # five of seven tries count, as the first two may be anybody's; then three more
    script = Script(*[NoConnection("N/A", "cut", OSError("cut"))] * unheard)
    with set_testing(most_tries=8):
        assert [refusal is not None for refusal in send(script, "a")] == [is_dead]
    assert script.sent == ["a"] * 10


def test_one_that_is_refused_for_another_reason_does_not_bury_the_many():
    def odd(ids: list[str]) -> object:
        reasons = {name: "of its own" if name == "q" else "no more fields" for name in ids}
        errors = {name: {"type": "x", "reason": reason} for name, reason in reasons.items()}
        return {"items": [item(name, 400, error=error) for name, error in errors.items()]}

    with pytest.raises(BulkError, match="refuses 16 of 17 documents: status 400, x: no more"):
        send(Script(*[odd] * 3), "qabcdefghijklmnop")


def test_an_item_that_passes_the_last_time_is_stored():
    script = Script(*[statuses(b=500)] * 7)
    with set_testing(most_tries=8):
        assert send(script, "ab") == [None, None]
