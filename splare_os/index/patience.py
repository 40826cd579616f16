"""Which failures of a request pass with time, and how long they are waited for."""

import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from threading import Event, Thread
from typing import TypeAlias, TypeVar

from opensearchpy import ConnectionError as NoConnection
from opensearchpy import ConnectionTimeout, SerializationError, TransportError
from opensearchpy.exceptions import SSLError

from ..connection import TRANSIENT, hint, retry_after_s
from ..errors import BulkError, ReplyError

T = TypeVar("T")

Failure: TypeAlias = TransportError | SerializationError | ReplyError
FAILURES = (TransportError, SerializationError, ReplyError)
"""What a request can meet: no answer, an answer that is no, and one that cannot be read."""

TIMEOUT_S = 60.0
GRACE_S = 3.0
"""How long a request in the air is waited for when the run is stopped."""

LONGEST_REASON = 500
"""Characters of a cluster's reason that are told; some repeat whole documents."""


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
    """Take the pauses of `Attempts` away in all threads, and cap its tries; for tests.

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


class Attempts:
    """Counts 1, 2 … with the pauses between; `BulkError` as soon as `stop` is set."""

    def __init__(self, patience: Patience, stop: Event) -> None:
        self._patience, self._stop = _in_force(patience), stop
        self._asked_s = 0.0

    def __iter__(self) -> Iterator[int]:
        """Yield the number of each try."""
        yield 1
        for number, pause in enumerate(self._patience.pauses(), 2):
            if self._stop.wait(max(pause, self._asked_s)):
                raise BulkError("stopped while waiting for the cluster; run the same command again")
            self._asked_s = 0.0
            yield number

    def failed(self, error: Failure) -> None:
        """Let the next pause be as long as a refusal asks for."""
        self._asked_s = retry_after_s(error) if _most_tries is None else 0.0


def is_transient(error: Failure) -> bool:
    """Return whether the same request may succeed later."""
    if isinstance(error, NoConnection):  # its status is a word; a bad certificate stays bad
        return not isinstance(error, SSLError)
    return not isinstance(error, TransportError) or error.status_code in TRANSIENT


def status_of(error: Failure) -> int:
    """Return the HTTP status, 0 if there was no answer, or one that cannot be read."""
    status = error.status_code if isinstance(error, TransportError) else 0
    return status if isinstance(status, int) else 0


def describe(error: Failure) -> str:
    """Return type and reason as the cluster gave them."""
    if not isinstance(error, TransportError):
        return shortened(f"unreadable reply: {error}")
    info = error.info
    cause = info.get("error") if isinstance(info, Mapping) else None
    if isinstance(cause, Mapping):
        return reason_of(cause)
    said = str(error.error) or "no reason"
    status = f"status {error.status_code}, " if status_of(error) else ""
    return shortened(f"{status}{type(error).__name__}: {said}")


def reason_of(error: object) -> str:
    """Return type and reason of an error of the cluster, and of what caused it.

    >>> reason_of({"type": "a", "reason": "b", "caused_by": {"type": "c", "reason": "d"}})
    'a: b; caused by c: d'
    """
    said: list[str] = []
    cause = error
    while isinstance(cause, Mapping) and len(said) < 3:
        said.append(shortened(f"{cause.get('type')}: {cause.get('reason')}"))
        cause = cause.get("caused_by")
    return "; caused by ".join(said) or shortened(str(error))


def shortened(text: str) -> str:
    """Return a text of at most `LONGEST_REASON` characters: of a longer one both ends."""
    if len(text) <= LONGEST_REASON:
        return text
    half = LONGEST_REASON // 2
    return f"{text[: half - 1]}…{text[-half:]}"


def within(request: Callable[[], T], stop: Event, seconds: float = TIMEOUT_S) -> T:
    """Return what `request` returns, or raise `ConnectionTimeout` after so many seconds.

    A connection's own timeout bounds the pause between two bytes, not a reply that drips. When
    `stop` is set, `GRACE_S` are left. The request goes on in a thread that nobody waits for.
    """
    future: Future[T] = Future()
    Thread(target=_fulfil, args=(future, request), name="splare-request", daemon=True).start()
    end, is_stopped = time.monotonic() + seconds, False
    while not future.done():
        if stop.is_set() and not is_stopped:
            end, is_stopped = min(end, time.monotonic() + GRACE_S), True
        if time.monotonic() > end:
            late = TimeoutError(f"no whole reply in {seconds:g} s")
            raise ConnectionTimeout("TIMEOUT", str(late), late)
        wait([future], timeout=0.1)
    return future.result()


def _fulfil(future: "Future[T]", request: Callable[[], T]) -> None:
    try:
        future.set_result(request())
    except BaseException as error:  # noqa: BLE001  # whoever waits gets it
        future.set_exception(error)


def retried(
    request: Callable[[], T],
    patience: Patience,
    stop: Event,
    *,
    is_first: bool = False,
    seconds: float = TIMEOUT_S,
) -> T:
    """Return what `request` returns, sent again while its failure may pass; else `BulkError`.

    `is_first`: nobody is at this address yet, and a connection that fails is not waited for. A try
    has so many `seconds`.
    """
    failure: Failure | None = None
    for _ in (tries := Attempts(patience, stop)):
        try:
            return within(request, stop, seconds)
        except FAILURES as error:
            failure = error
            tries.failed(error)
            if not is_transient(error) or (is_first and isinstance(error, NoConnection)):
                break
    what = describe(failure) if failure else "no answer"
    remedy = (
        "Check the address and the credentials, then run" if is_first else "Nothing is lost: run"
    )
    if failure is not None and (helps := hint(failure)):
        remedy = f"{helps}; then run"
    elif failure is not None and not is_first and not is_transient(failure):
        remedy = "It will not pass by itself: mend what it names, then run"
    raise BulkError(
        f"the cluster does not answer, or refuses: {what}. {remedy} the same command again"
    ) from failure
