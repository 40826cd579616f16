import threading
import time
from collections.abc import Sequence

import pytest

from splare_os.errors import BulkError
from splare_os.impacts import empty
from splare_os.index.actions import Action
from splare_os.index.chunk import Chunk
from splare_os.index.flight import MOST_BYTES, Flight, send_in_waves
from splare_os.index.replies import Refusal, Verdict
from splare_os.index.sender import Sender
from splare_os.layout.field import FieldImpacts


class Recorder(Sender):
    """Notes what is sent; `gate` holds it back, the id `bad` breaks it."""

    n_at_once = 1

    def __init__(self, n_at_once: int = 1) -> None:
        self.n_at_once = n_at_once
        self.sent: list[str] = []
        self.gate, self.stop = threading.Event(), threading.Event()
        self.gate.set()

    def send(self, actions: Sequence[Action]) -> list[Verdict]:
        self.gate.wait(10)
        self.sent.append("".join(action.id for action in actions))
        if any(action.id == "!" for action in actions):
            raise BulkError("the cluster is gone")
        return [Refusal(400, action.id, "dead") if action.id > "m" else None for action in actions]


def chunk(ids: str) -> Chunk:
    actions = {at: Action("i", name, b"") for at, name in enumerate(ids)}
    none = FieldImpacts.of(empty(0, 8), None)
    return Chunk([], {}, actions, frozenset(), none, {}, {})


def test_two_lines_of_one_id_are_sent_one_after_the_other():
    recorder = Recorder()
    verdicts = send_in_waves(recorder, [Action("i", name, b"") for name in "azbaaz"])
    assert recorder.sent == ["azb", "az", "a"]
    assert [verdict and verdict.reason for verdict in verdicts] == [
        None,
        "z",
        None,
        None,
        None,
        "z",
    ]


def test_nothing_is_sent_for_nothing():
    assert send_in_waves(Recorder(), []) == []


def test_an_id_in_the_air_has_no_room_a_second_time():
    with Flight(Recorder(), 1) as flight:
        flight.start(chunk("ab"))
        assert not flight.has_room(chunk("bc"))
        assert flight.has_room(chunk("cd"))


def test_two_chunks_fly_for_each_request_that_the_cluster_takes():
    with Flight(Recorder(2), 2) as flight:
        for name in "abcd":
            assert flight.has_room(chunk(name))
            flight.start(chunk(name))
        assert not flight.has_room(chunk("e"))


def test_documents_in_the_air_are_bounded_by_their_bytes_but_for_one_chunk():
    large = {0: Action("i", "a", b"x" * (MOST_BYTES + 1))}
    none = FieldImpacts.of(empty(0, 8), None)
    with Flight(Recorder(2), 2) as flight:
        assert flight.has_room(Chunk([], {}, large, frozenset(), none, {}, {}))
        flight.start(chunk("b"))
        assert flight.has_room(chunk("c"))
        assert not flight.has_room(Chunk([], {}, large, frozenset(), none, {}, {}))


def test_the_oldest_lands_first():
    recorder = Recorder()
    recorder.gate.clear()
    with Flight(recorder, 2) as flight:
        first, second = chunk("a"), chunk("b")
        flight.start(first)
        flight.start(second)
        assert not flight.has_landed()
        recorder.gate.set()
        assert flight.oldest() == (first, [None])
        assert flight.has_landed()


def test_survivors_are_the_acknowledged_ones_before_the_first_that_failed():
    with Flight(Recorder(), 1) as flight:
        safe, broken, later = chunk("a"), chunk("!"), chunk("b")
        for one in (safe, broken, later):
            flight.start(one)
        time.sleep(0.2)
        assert flight.survivors() == [(safe, [None])]
        assert flight.sender.stop.is_set()


def test_an_error_shows_when_its_chunk_lands():
    with Flight(Recorder(), 1) as flight:
        flight.start(chunk("!"))
        with pytest.raises(BulkError, match="gone"):
            flight.oldest()
