"""What a sender does to a cluster under load: fewer requests at once, and smaller ones."""

import pytest
from opensearchpy import TransportError

from splare_os.errors import BulkError
from splare_os.index.bulk import BulkOptions
from splare_os.index.sender import Sender
from tests.index.scripted import Index, Script, actions, item, statuses

pytestmark = pytest.mark.usefixtures("four_tries")

BREAKER = TransportError(429, "circuit_breaking_exception", {})


def test_a_request_that_trips_the_breaker_twice_goes_in_halves():
    script = Script(BREAKER, BREAKER, BREAKER)
    assert Sender(script, Index()).send(actions(*"abcd")) == [None] * 4
    assert script.sent == ["abcd", "abcd", "ab", "ab", "cd"]


def test_a_breaker_that_stays_tripped_ends_the_run():
    script = Script(*[BREAKER] * 20)
    with pytest.raises(BulkError, match="circuit_breaking_exception"):
        Sender(script, Index()).send(actions(*"abcd"))
    assert script.sent == ["abcd"] * 2 + ["ab"] * 2 + ["a"] * 4


def test_requests_are_smaller_once_the_breaker_has_tripped():
    sender = Sender(Script(BREAKER), Index(), BulkOptions(max_bytes=2**20))
    sender.send(actions("a"))
    assert sender.gate.max_bytes == 2**19 + 2**16
    item_of = {"error": {"type": "circuit_breaking_exception", "reason": "Data too large"}}
    script = Script(lambda ids: {"items": [item(name, 429, **item_of) for name in ids]})
    sender = Sender(script, Index(), BulkOptions(max_bytes=2**20))
    assert sender.send(actions("a")) == [None]
    assert sender.gate.max_bytes < 2**20


def test_a_cluster_that_is_busy_is_sent_less_at_once():
    busy = statuses(a=429)
    sender = Sender(Script(*[busy] * 3), Index(), BulkOptions(most_requests=4))
    sender.gate.limit = 4.0
    sender.send(actions("a"))
    assert sender.gate.limit == pytest.approx(4 * 0.9**3)
    assert sender.n_at_once == 2
