from collections.abc import Iterator

import pytest
from opensearchpy import AuthorizationException, RequestError, TransportError

from splare_os.errors import MappingError
from splare_os.search.doctor.finding import Finding, failure, ok, seen


def raising(error: Exception) -> list[Finding]:
    def look() -> Iterator[Finding]:
        yield ok("a", "seen before")
        raise error

    return list(seen("limits", "cluster:monitor", look))


def test_what_may_not_be_looked_at_is_a_warning_with_the_permission() -> None:
    first, second = raising(AuthorizationException(403, "security_exception", {}))
    assert first == ok("a", "seen before")
    assert (second.status, second.remedy.split(",")[0]) == (
        "warning",
        "grant cluster:monitor to this user",
    )


def test_what_cannot_be_looked_at_is_a_warning() -> None:
    assert raising(TransportError(503, "unavailable", {}))[1].status == "warning"


def test_an_index_that_is_closed_or_blocked_is_told_what_to_do() -> None:
    closed = raising(RequestError(400, "index_closed_exception", {}))[1]
    assert closed.remedy == "Open the index (POST /NAME/_open)"
    blocked = raising(AuthorizationException(403, "cluster_block_exception", {}))[1]
    assert blocked.found.startswith("it cannot be looked at: Auth")
    assert blocked.remedy.startswith("Lift the block")


def test_an_error_of_ours_is_a_failure_with_its_remedy() -> None:
    assert raising(MappingError("index 'i' is odd: mend it"))[1] == failure(
        "limits", "index 'i' is odd", "mend it"
    )


def test_a_mistake_of_ours_is_no_finding() -> None:
    with pytest.raises(KeyError):
        raising(KeyError("x"))
