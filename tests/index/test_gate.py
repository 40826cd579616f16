import time
from contextlib import ExitStack
from threading import Event, Thread

import pytest
from opensearchpy import ConnectionTimeout, TransportError

from splare_os.errors import BulkError
from splare_os.index.gate import LEAST_BYTES, START, Gate

MB = 2**20


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def interval(gate: Gate, clock: list[float], seconds: float, *, pressed: bool = False) -> None:
    """As many requests at once as are let through, all of which take so long."""
    with ExitStack() as stack:
        trips = [stack.enter_context(gate.passed(MB, Event())) for _ in range(int(gate.limit))]
        clock[0] += seconds
        trips[0].is_pressed = pressed


def test_an_idle_cluster_is_filled(clock):
    gate = Gate(6, 8 * MB)
    seen = [gate.limit]
    for _ in range(6):
        interval(gate, clock, 0.5)
        seen.append(gate.limit)
    assert seen == [START, 3, 4, 5, 6, 6, 6]


def test_it_is_busy_while_a_request_is_in_the_air_however_many(clock):
    gate = Gate(2, 8 * MB)
    clock[0] += 3.0
    with gate.passed(MB, Event()):
        clock[0] += 1.0
        with gate.passed(MB, Event()):
            clock[0] += 1.0
        assert gate.busy_s() == 2.0
        clock[0] += 0.5
    clock[0] += 4.0
    interval(gate, clock, 0.25)
    assert gate.busy_s() == 2.75


def test_requests_that_take_longer_become_fewer(clock):
    gate = Gate(10, 8 * MB)
    for _ in range(8):
        interval(gate, clock, 0.5)
    assert gate.limit == 10
    interval(gate, clock, 2.0)
    assert gate.limit == 9.0


def test_times_that_vary_as_ever_change_nothing(clock):
    gate = Gate(3, 8 * MB)
    for seconds in (0.5, 0.6, 0.45, 0.6, 0.5, 0.62):
        interval(gate, clock, seconds)
    assert gate.limit == 3


def test_a_cluster_that_refuses_is_given_less_and_less_but_one(clock):
    gate = Gate(8, 8 * MB)
    gate.limit = 8.0
    seen = []
    for _ in range(30):
        interval(gate, clock, 0.5, pressed=True)
        seen.append(gate.limit)
    assert seen[0] == pytest.approx(7.2)
    assert seen[-1] == 1.0


def test_a_gate_that_was_not_full_is_not_widened(clock):
    gate = Gate(8, 8 * MB)
    for _ in range(6):
        with gate.passed(MB, Event()):
            clock[0] += 0.5
    assert gate.limit == START


def test_requests_shrink_where_memory_is_short_and_grow_again(clock):
    gate = Gate(4, 8 * MB)
    gate.shrink()
    gate.shrink()
    assert gate.max_bytes == 2 * MB
    interval(gate, clock, 0.5)
    assert gate.max_bytes == 2 * MB + MB // 2
    for _ in range(40):
        interval(gate, clock, 0.5)
    assert gate.max_bytes == 8 * MB
    for _ in range(40):
        gate.shrink()
    assert gate.max_bytes == LEAST_BYTES


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        (TransportError(429, "x", {}), 3.6),
        (TransportError(503, "x", {}), 3.6),
        (ConnectionTimeout("TIMEOUT", "x", None), 3.6),
        (TransportError(400, "x", {}), 4.0),
    ],
)
def test_errors_of_a_busy_cluster_count_and_go_on(clock, error, limit):
    gate = Gate(4, 8 * MB)
    gate.limit = 4.0
    with pytest.raises(TransportError), gate.passed(MB, Event()):
        raise error
    assert gate.limit == pytest.approx(limit)
    assert gate.in_flight == 0


def test_who_waits_goes_when_another_is_back():
    gate, entered, left = Gate(1, MB), Event(), Event()

    def go() -> None:
        with gate.passed(MB, Event()):
            entered.set()

    with gate.passed(MB, Event()):
        thread = Thread(target=go)
        thread.start()
        assert not entered.wait(0.2)
        left.set()
    assert entered.wait(10)
    thread.join()


def test_who_waits_is_stopped():
    gate, stop = Gate(1, MB), Event()
    with gate.passed(MB, Event()):
        stop.set()
        with pytest.raises(BulkError, match="stopped before a request"), gate.passed(MB, stop):
            pass
    assert gate.in_flight == 0
