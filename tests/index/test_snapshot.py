import time

import pytest

from splare_os.index.snapshot import Counters, Watch


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def test_rates_are_those_since_the_last_snapshot_and_the_rest_is_told_from_the_first(clock):
    seen = [
        Counters(outcomes={"indexed": 100}, sent_bytes=0, done=0.2, stages={"encode": 0.0}),
        Counters(outcomes={"indexed": 150}, sent_bytes=2**21, done=0.3, stages={"encode": 3.0}),
        Counters(
            outcomes={"indexed": 150, "dead": 10},
            sent_bytes=2**21,
            done=0.6,
            stages={"encode": 3.0},
        ),
    ]
    watch = Watch(lambda: seen.pop(0))
    clock[0] = 4.0
    first = watch.take()
    assert (first.span_s, first.documents_per_s, first.mb_per_s) == (4.0, 12.5, 0.5)
    assert (first.busy, first.bottleneck, first.eta_s) == ({"encode": 0.75}, "encode", 28.0)
    clock[0] = 8.0
    second = watch.take()
    assert (second.documents_per_s, second.mb_per_s, second.bottleneck) == (2.5, 0.0, "")
    assert second.eta_s == 8.0


def test_a_run_that_has_not_begun_says_nothing(clock):
    snapshot = Watch(Counters).take()
    assert (snapshot.documents_per_s, snapshot.eta_s, snapshot.busy) == (0.0, None, {})


def test_counters_of_several_indices_are_added():
    one = Counters("j", "i", "m", {"indexed": 1}, 1, 2, 3, 4, 5, 0.5, {"read": 1.0})
    other = Counters("k", "l", "m", {"dead": 2}, 10, 20, 30, 40, 50, None, {"read": 2.0})
    both = one + other
    assert (both.job, both.outcomes, both.stages) == ("j", {"indexed": 1, "dead": 2}, {"read": 3.0})
    assert (both.read_bytes, both.sent_bytes, both.requests) == (11, 22, 33)
    assert (both.resent, both.in_flight, both.documents) == (44, 55, 3)
