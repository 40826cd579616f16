import time
from threading import Event

import pytest

from splare_os.index.pace import Pace


def test_no_bound_waits_for_nothing():
    start = time.monotonic()
    Pace(None).wait(10**9, Event())
    assert time.monotonic() - start < 0.5


def test_documents_wait_until_those_before_them_have_had_their_time():
    pace, start = Pace(100), time.monotonic()
    for _ in range(3):
        pace.wait(20, Event())
    assert time.monotonic() - start >= 0.39  # the first at once, each other 0.2 s later


def test_a_pause_earns_nothing():
    pace = Pace(1000)
    time.sleep(0.05)
    pace.wait(100, Event())
    start = time.monotonic()
    pace.wait(1, Event())
    assert time.monotonic() - start >= 0.09


def test_a_stop_ends_the_wait():
    pace, stop = Pace(0.001), Event()
    stop.set()
    pace.wait(1, stop)
    start = time.monotonic()
    pace.wait(1, stop)
    assert time.monotonic() - start < 0.5


def test_a_share_of_the_time_rests_for_the_rest_of_it():
    pace = Pace(None, share=0.25)
    time.sleep(0.1)
    start = time.monotonic()
    pace.wait(1, Event())
    assert 0.29 <= time.monotonic() - start < 0.6


def test_what_writes_nothing_rests_for_nothing():
    pace = Pace(None, share=0.01)
    time.sleep(0.05)
    start = time.monotonic()
    pace.wait(0, Event())
    assert time.monotonic() - start < 0.5


@pytest.mark.parametrize("share", [0, -1, 1.5, float("nan")])
def test_a_share_is_one(share):
    with pytest.raises(ValueError, match="share="):
        Pace(None, share)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_is_positive(rate):
    with pytest.raises(ValueError, match="max_rate="):
        Pace(rate)
