"""Where the time of a run goes: each stage's seconds, and which of them holds up the others."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

WAITING = "cluster"
"""The stage in which nothing is to be done but to wait for the cluster."""

STAGES = ("read", "encode", "serialise", WAITING, "record", "pause")


class Stages:
    """Seconds of the one thread that reads, encodes and records, by stage; others may look."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self._seconds = dict.fromkeys(STAGES, 0.0)
        self._open: list[tuple[str, float]] = []

    @contextmanager
    def in_stage(self, name: str) -> Iterator[None]:
        """Count what is done meanwhile; a stage inside another stops that one's clock."""
        now = time.perf_counter()
        if self._open:
            self._add(now)
        self._open.append((name, now))
        try:
            yield
        finally:
            now = time.perf_counter()
            self._add(now)
            self._open.pop()
            if self._open:
                self._open[-1] = (self._open[-1][0], now)

    def _add(self, now: float) -> None:
        name, since = self._open[-1]
        self._seconds[name] += now - since

    def seconds(self) -> Mapping[str, float]:
        """Return the seconds of each stage so far, the one that goes on included."""
        found = dict(self._seconds)
        if open_now := self._open[-1:]:
            name, since = open_now[0]
            found[name] += max(0.0, time.perf_counter() - since)
        return found


def shares(
    before: Mapping[str, float], now: Mapping[str, float], span_s: float
) -> dict[str, float]:
    """Return which share of a time each stage took.

    >>> shares({"read": 1.0, "encode": 2.0}, {"read": 2.0, "encode": 5.0}, 4.0)
    {'read': 0.25, 'encode': 0.75}
    """
    return {name: round((now[name] - before[name]) / span_s, 4) for name in now} if span_s else {}


def bottleneck(busy: Mapping[str, float]) -> str:
    """Return the stage that took most of a time; "" if nothing did.

    >>> bottleneck({"read": 0.2, "encode": 0.7, "cluster": 0.1})
    'encode'
    """
    return max(busy, key=lambda name: busy[name], default="") if any(busy.values()) else ""
