import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from opensearchpy import ConnectionError as NoConnection
from opensearchpy import ConnectionTimeout, RequestError, SerializationError, TransportError
from opensearchpy.exceptions import SSLError

from splare_os.errors import BulkError, ReplyError
from splare_os.index.patience import (
    Attempts,
    Patience,
    describe,
    is_transient,
    retried,
    set_testing,
    shortened,
    status_of,
    within,
)

SLOW = Patience(tries=3, first_pause_s=60.0, max_pause_s=60.0)


def test_pauses_double_up_to_the_longest_and_are_cut_by_at_most_a_half():
    pauses = list(Patience(tries=8, first_pause_s=0.5, max_pause_s=30.0).pauses())
    assert len(pauses) == 7
    for pause, longest in zip(pauses, [0.5, 1, 2, 4, 8, 16, 30], strict=True):
        assert longest / 2 <= pause <= longest


def test_the_whole_wait_is_bounded():
    assert sum(Patience().pauses()) <= 61.5


def test_one_try_at_least():
    with pytest.raises(ValueError, match="tries=0"):
        Patience(tries=0)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TransportError(429, "circuit_breaking_exception", {}), True),
        (TransportError(503, "x", {}), True),
        (TransportError(408, "x", {}), True),
        (TransportError(524, "x", {}), True),
        (TransportError(501, "x", {}), False),
        (RequestError(400, "x", {}), False),
        (NoConnection("N/A", "refused", OSError()), True),
        (ConnectionTimeout("TIMEOUT", "read", OSError()), True),
        (SSLError("N/A", "bad certificate", OSError()), False),
    ],
)
def test_some_failures_pass_with_time(error, expected):
    assert is_transient(error) is expected


def test_a_failure_without_an_answer_has_no_status():
    assert status_of(ConnectionTimeout("TIMEOUT", "read", OSError())) == 0
    assert status_of(RequestError(400, "x", {})) == 400


def test_a_description_is_the_clusters_own():
    info = {"error": {"type": "t", "reason": "r"}}
    assert describe(RequestError(400, "t", info)) == "t: r"
    assert describe(NoConnection("N/A", "refused", OSError())) == "ConnectionError: refused"


def seconds_of_tries(n_tries: int) -> float:
    start = time.perf_counter()
    assert list(Attempts(SLOW, Event())) == [*range(1, n_tries + 1)]
    return time.perf_counter() - start


def test_in_test_mode_the_tries_are_the_same_and_nothing_waits_also_in_other_threads():
    with set_testing(), ThreadPoolExecutor(1) as other:
        assert other.submit(seconds_of_tries, 3).result() < 1


@pytest.mark.parametrize(("most_tries", "n_tries"), [(1, 1), (2, 2), (9, 3)])
def test_the_test_mode_can_cap_the_tries(most_tries, n_tries):
    with set_testing(most_tries=most_tries):
        assert seconds_of_tries(n_tries) < 1


def test_as_a_statement_the_test_mode_holds_until_it_is_ended():
    set_testing(most_tries=2)
    try:
        with set_testing(most_tries=1):
            seconds_of_tries(1)
        seconds_of_tries(2)
    finally:
        set_testing(is_on=False)
    tries = iter(Attempts(Patience(first_pause_s=0.1), Event()))
    start = time.perf_counter()
    assert [next(tries), next(tries)] == [1, 2]
    assert time.perf_counter() - start >= 0.05


def test_the_test_mode_tries_at_least_once():
    with pytest.raises(ValueError, match="most_tries=0"):
        set_testing(most_tries=0)


@pytest.mark.usefixtures("four_tries")
def test_what_passes_is_tried_again():
    answers = iter([TransportError(503, "x", {}), TransportError(429, "x", {}), "yes"])

    def request() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert retried(request, SLOW, Event()) == "yes"


@pytest.mark.usefixtures("four_tries")
def test_what_stays_is_a_bulk_error_with_the_reason():
    def request() -> str:
        calls.append(1)
        raise TransportError(503, "unavailable", {})

    calls: list[int] = []
    with pytest.raises(BulkError, match="unavailable.*run the same command again"):
        retried(request, SLOW, Event())
    assert len(calls) == 3


def test_what_cannot_pass_is_not_tried_again():
    def request() -> str:
        calls.append(1)
        raise RequestError(400, "no", {})

    calls: list[int] = []
    with pytest.raises(BulkError, match="mend what it names, then run the same command again"):
        retried(request, SLOW, Event())
    assert len(calls) == 1


def test_a_stop_ends_the_wait_at_once():
    stop = Event()
    stop.set()
    tries = iter(Attempts(SLOW, stop))
    assert next(tries) == 1
    with pytest.raises(BulkError, match="stopped while waiting"):
        next(tries)


def test_at_an_address_where_nobody_was_yet_a_failed_connection_is_not_waited_for():
    calls: list[int] = []

    def request() -> str:
        calls.append(1)
        raise NoConnection("N/A", "refused", OSError())

    with pytest.raises(BulkError, match="Check the address"):
        retried(request, SLOW, Event(), is_first=True)
    assert len(calls) == 1


@pytest.mark.usefixtures("four_tries")
@pytest.mark.parametrize(
    "failure", [TransportError(429, "", {}), SerializationError("a page"), ReplyError("no docs")]
)
def test_a_busy_cluster_and_an_unreadable_reply_are_waited_for_from_the_start(failure):
    answers = iter([failure, "yes"])

    def request() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert retried(request, SLOW, Event(), is_first=True) == "yes"


def test_a_failure_without_a_reason_tells_its_status():
    assert describe(TransportError(429, "", None)) == "status 429, TransportError: no reason"
    assert describe(SerializationError("a page")) == "unreadable reply: a page"


def test_a_reason_that_repeats_a_document_is_cut():
    assert shortened("x" * 500) == "x" * 500
    assert shortened("x" * 250 + "-" + "y" * 250) == "x" * 249 + "…" + "y" * 250
    long = {"error": {"type": "t", "reason": "x" * 9999}}
    assert len(describe(RequestError(400, "t", long))) == 500


def test_what_comes_in_time_is_returned_and_what_fails_is_raised():
    assert within(lambda: "yes", Event(), 5) == "yes"
    with pytest.raises(TimeoutError, match="its own"):
        within(lambda: fail(TimeoutError("its own")), Event(), 5)


def fail(error: Exception) -> None:
    raise error


def test_a_reply_that_does_not_end_is_waited_for_no_longer_than_asked():
    release = Event()
    start = time.perf_counter()
    with pytest.raises(ConnectionTimeout, match="no whole reply in 0.2 s"):
        within(release.wait, Event(), 0.2)
    assert time.perf_counter() - start < 5
    release.set()


def test_a_stop_leaves_a_request_a_grace(monkeypatch):
    monkeypatch.setattr("splare_os.index.patience.GRACE_S", 0.2)
    release, stop = Event(), Event()
    stop.set()
    start = time.perf_counter()
    with pytest.raises(ConnectionTimeout):
        within(release.wait, stop, 60)
    assert time.perf_counter() - start < 5
    release.set()
    assert within(lambda: "yes", stop, 60) == "yes"
