"""How many requests are in the air at once, and how large: as many as the cluster takes.

Additive increase, multiplicative decrease, by how long requests take and by what is refused, as
Vector's adaptive request concurrency does it: a busy cluster slows the run down, an idle one is
filled.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition, Event

from opensearchpy import TransportError

from ..errors import BulkError

START = 2
"""Requests at once to begin with."""

DECREASE = 0.9
SMOOTHING = 0.4
"""Weight of the newest interval in the average of times."""

DEVIATIONS = 2.5
TOLERANCE = 0.3
"""Times that are longer by so many deviations, and by this share, are slow."""

LEAST_BYTES = 2**16
PRESSURE = frozenset({429, 503})


@dataclass
class Trip:
    """One request; whoever sends it says whether the cluster refused documents for its load."""

    n_bytes: int
    began: float
    is_full: bool
    is_pressed: bool = False


class Gate:
    """Lets requests through; threads may share it. `limit` is at most `most`.

    `max_bytes` of a request shrink where the cluster's memory is short, and grow again.
    """

    def __init__(self, most: int, max_bytes: int) -> None:
        self.most, self.top_bytes = most, max_bytes
        self.limit, self.max_bytes = float(min(START, most)), max_bytes
        self.in_flight = 0
        self._busy_s, self._busy_since = 0.0, 0.0
        self._changed = Condition()
        self._average: float | None = None
        self._deviation = 0.0
        self._begin()

    def _begin(self) -> None:
        """Begin an interval: about one round trip of as many requests as are let through."""
        self._paces: list[float] = []
        self._is_pressed = self._was_full = False

    @contextmanager
    def passed(self, n_bytes: int, stop: Event) -> Iterator[Trip]:
        """Yield once a request may go, and learn from how it ends; `BulkError` once `stop` is set.

        A `TransportError` of a cluster under load counts as a refusal, and goes on.
        """
        trip = self._enter(n_bytes, stop)
        try:
            yield trip
        except TransportError as error:
            trip.is_pressed |= error.status_code in PRESSURE or error.status_code == "TIMEOUT"
            raise
        finally:
            self._leave(trip)

    def _enter(self, n_bytes: int, stop: Event) -> Trip:
        with self._changed:
            while self.in_flight >= int(self.limit):
                self._changed.wait(0.1)
                if stop.is_set():
                    raise BulkError("stopped before a request; run the same command again")
            self.in_flight += 1
            now = time.monotonic()
            if self.in_flight == 1:
                self._busy_since = now
            return Trip(n_bytes, now, self.in_flight >= int(self.limit))

    def _leave(self, trip: Trip) -> None:
        with self._changed:
            self.in_flight -= 1
            now = time.monotonic()
            if not self.in_flight:
                self._busy_s += now - self._busy_since
            self._paces.append((now - trip.began) / max(trip.n_bytes, LEAST_BYTES))
            self._is_pressed |= trip.is_pressed
            self._was_full |= trip.is_full
            if len(self._paces) >= int(self.limit) or trip.is_pressed:
                self._learn()
            self._changed.notify_all()

    def _learn(self) -> None:
        """End an interval: fewer requests if it was slow or refused, one more if it was full."""
        pace = sum(self._paces) / len(self._paces)
        average = pace if self._average is None else self._average
        slow = average + max(DEVIATIONS * self._deviation, TOLERANCE * average)
        if self._is_pressed or pace > slow:
            self.limit = max(1.0, self.limit * DECREASE)
        elif self._was_full:
            self.limit = min(float(self.most), self.limit + 1)
        if not self._is_pressed:
            self.max_bytes = min(self.top_bytes, self.max_bytes + self.top_bytes // 16)
            self._deviation += SMOOTHING * (abs(pace - average) - self._deviation)
            self._average = average + SMOOTHING * (pace - average)
        self._begin()

    def busy_s(self) -> float:
        """Return for how long there was a request in the air: the cluster had something to do."""
        with self._changed:
            since = time.monotonic() - self._busy_since if self.in_flight else 0.0
            return self._busy_s + since

    def shrink(self) -> None:
        """Halve the size of requests: the cluster's memory is too short for such."""
        with self._changed:
            self.max_bytes = max(LEAST_BYTES, self.max_bytes // 2)
