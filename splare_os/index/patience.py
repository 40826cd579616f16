"""Which failures of a request pass with time, and how long they are waited for."""

import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from threading import Event
from typing import TypeVar

from opensearchpy import ConnectionError as NoConnection
from opensearchpy import TransportError
from opensearchpy.exceptions import SSLError

from ..errors import BulkError

T = TypeVar("T")

TRANSIENT = frozenset({429, 500, 502, 503, 504})
"""Statuses of a request, or of one item, that pass with time: queues, breakers, restarts."""


@dataclass(frozen=True)
class Patience:
    """How often a request is sent: pauses double from the first, each cut by up to a half."""

    tries: int = 8
    first_pause_s: float = 0.5
    max_pause_s: float = 30.0

    def __post_init__(self) -> None:
        """Refuse to never try."""
        if self.tries < 1 or self.first_pause_s < 0 or self.max_pause_s < 0:
            raise ValueError(
                f"tries={self.tries}, first_pause_s={self.first_pause_s}, "
                f"max_pause_s={self.max_pause_s}: try at least once, and pause forwards"
            )

    def pauses(self) -> Iterator[float]:
        """Yield the seconds to wait before the second try, the third, and so on."""
        for number in range(self.tries - 1):
            pause = min(self.max_pause_s, self.first_pause_s * 2**number)
            yield pause * random.uniform(0.5, 1.0)  # senders must not come back in step


_most_tries: int | None = None
"""Of the test mode; None outside of it."""


def set_testing(
    *, is_on: bool = True, most_tries: int = sys.maxsize
) -> AbstractContextManager[object]:
    """Take the pauses of `attempts` away in all threads, and cap its tries; for tests.

    As a statement it holds until the next call, in a `with` until the end of that.
    """
    if most_tries < 1:
        raise ValueError(f"most_tries={most_tries}: try at least once")
    before = _most_tries
    _set_most_tries(most_tries if is_on else None)
    ended = ExitStack()
    ended.callback(_set_most_tries, before)
    return ended


def _set_most_tries(most_tries: int | None) -> None:
    global _most_tries
    _most_tries = most_tries


def _in_force(patience: Patience) -> Patience:
    if _most_tries is None:
        return patience
    return replace(patience, tries=min(patience.tries, _most_tries), first_pause_s=0.0)


def attempts(patience: Patience, stop: Event) -> Iterator[int]:
    """Yield 1, 2 … with the pauses between; `BulkError` as soon as `stop` is set."""
    yield 1
    for number, pause in enumerate(_in_force(patience).pauses(), 2):
        if stop.wait(pause):
            raise BulkError("stopped while waiting for the cluster; run the same command again")
        yield number


def is_transient(error: TransportError) -> bool:
    """Return whether the same request may succeed later."""
    if isinstance(error, NoConnection):  # its status is a word; a bad certificate stays bad
        return not isinstance(error, SSLError)
    return error.status_code in TRANSIENT


def status_of(error: TransportError) -> int:
    """Return the HTTP status, 0 if there was no answer."""
    return error.status_code if isinstance(error.status_code, int) else 0


def describe(error: TransportError) -> str:
    """Return type and reason as the cluster gave them."""
    info = error.info
    cause = info.get("error") if isinstance(info, Mapping) else None
    if isinstance(cause, Mapping):
        return reason_of(cause)
    return f"{type(error).__name__}: {str(error.error)[:500]}"


def reason_of(error: object) -> str:
    """Return type and reason of an error of the cluster, and of what caused it.

    >>> reason_of({"type": "a", "reason": "b", "caused_by": {"type": "c", "reason": "d"}})
    'a: b; caused by c: d'
    """
    parts: list[str] = []
    cause = error
    while isinstance(cause, Mapping) and len(parts) < 3:
        parts.append(f"{cause.get('type')}: {cause.get('reason')}")
        cause = cause.get("caused_by")
    return "; caused by ".join(parts) or str(error)


@contextmanager
def reachable() -> Iterator[None]:
    """Turn a request that fails into a `BulkError` that says why; for those not worth waiting."""
    try:
        yield
    except TransportError as error:
        raise BulkError(
            f"the cluster cannot be reached, or refuses: {describe(error)}. Check the address and "
            "the credentials, then run the same command again"
        ) from error


def retried(request: Callable[[], T], patience: Patience, stop: Event) -> T:
    """Return what `request` returns, sent again while its failure may pass; else `BulkError`."""
    failure: TransportError | None = None
    for _ in attempts(patience, stop):
        try:
            return request()
        except TransportError as error:
            failure = error
            if not is_transient(error):
                break
    what = describe(failure) if failure else "no answer"
    raise BulkError(
        f"the cluster answers no more: {what}. Nothing is lost: run the same command again "
        "when it is well"
    ) from failure
