"""A circuit breaker: what has just failed for long is not tried again at once by everybody."""

import threading
import time
from collections.abc import Callable


class Breaker:
    """Opens when a call has given up; after `cooldown_s` one call tries, and closes it or not.

    For any number of threads. `clock` gives seconds.
    """

    def __init__(self, cooldown_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cooldown_s, self._clock = cooldown_s, clock
        self._lock, self._until = threading.Lock(), 0.0
        self._reason = ""

    def refusal(self) -> str:
        """Return why a call must not be tried, or "" if it may: then it has to tell its end."""
        with self._lock:
            if not self._reason:
                return ""
            now = self._clock()
            if now < self._until:
                return self._reason
            self._until = now + self._cooldown_s  # the others wait for what this one finds
            return ""

    def close(self) -> None:
        """Note that a call has succeeded."""
        with self._lock:
            self._reason = ""

    def open(self, reason: str) -> None:
        """Note that a call has given up."""
        with self._lock:
            self._reason, self._until = reason, self._clock() + self._cooldown_s
