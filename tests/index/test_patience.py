from threading import Event

import pytest
from opensearchpy import ConnectionError as NoConnection
from opensearchpy import ConnectionTimeout, RequestError, TransportError
from opensearchpy.exceptions import SSLError

from splare_os.errors import BulkError
from splare_os.index.patience import (
    Patience,
    attempts,
    describe,
    is_transient,
    reachable,
    retried,
    status_of,
)

QUICK = Patience(tries=3, first_pause_s=0.0)


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


def test_what_passes_is_tried_again():
    answers = iter([TransportError(503, "x", {}), TransportError(429, "x", {}), "yes"])

    def request() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert retried(request, QUICK, Event()) == "yes"


def test_what_stays_is_a_bulk_error_with_the_reason():
    def request() -> str:
        calls.append(1)
        raise TransportError(503, "unavailable", {})

    calls: list[int] = []
    with pytest.raises(BulkError, match="unavailable.*run the same command again"):
        retried(request, QUICK, Event())
    assert len(calls) == 3


def test_what_cannot_pass_is_not_tried_again():
    def request() -> str:
        calls.append(1)
        raise RequestError(400, "no", {})

    calls: list[int] = []
    with pytest.raises(BulkError):
        retried(request, QUICK, Event())
    assert len(calls) == 1


def test_a_stop_ends_the_wait_at_once():
    stop = Event()
    stop.set()
    tries = attempts(Patience(first_pause_s=60.0), stop)
    assert next(tries) == 1
    with pytest.raises(BulkError, match="stopped while waiting"):
        next(tries)


def test_a_cluster_out_of_reach_is_said_so():
    with pytest.raises(BulkError, match="Check the address"), reachable():
        raise NoConnection("N/A", "refused", OSError())
