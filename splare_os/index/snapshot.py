"""How far a run is at one moment, and what it did since the last: for bars and dashboards."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from .stages import bottleneck, shares


@dataclass(frozen=True)
class Counters:
    """What a run has counted so far; `done`, of its sources, is None where nobody knows.

    `stages` are the seconds of each stage, `in_flight` chunks that are in the air, `dead_reasons`
    the dead letters by kind of reason.
    """

    job: str = ""
    index: str = ""
    model: str = ""
    outcomes: Mapping[str, int] | None = None
    read_bytes: int = 0
    sent_bytes: int = 0
    requests: int = 0
    resent: int = 0
    in_flight: int = 0
    done: float | None = None
    stages: Mapping[str, float] | None = None
    dead_reasons: Mapping[str, int] | None = None

    def __add__(self, other: "Counters") -> "Counters":
        """Return the sum of what two have counted, under the name of the first."""
        return replace(
            self,
            outcomes=_sum(self.outcomes, other.outcomes),
            stages=_sum(self.stages, other.stages),
            dead_reasons=_sum(self.dead_reasons, other.dead_reasons),
            read_bytes=self.read_bytes + other.read_bytes,
            sent_bytes=self.sent_bytes + other.sent_bytes,
            requests=self.requests + other.requests,
            resent=self.resent + other.resent,
            in_flight=self.in_flight + other.in_flight,
        )

    @property
    def documents(self) -> int:
        """Number of documents that are done."""
        return sum((self.outcomes or {}).values())


N = TypeVar("N", int, float)


def _sum(one: Mapping[str, N] | None, other: Mapping[str, N] | None) -> dict[str, N]:
    names = [*(one or {}), *(name for name in other or {} if name not in (one or {}))]
    return {name: (one or {}).get(name, 0) + (other or {}).get(name, 0) for name in names}


@dataclass(frozen=True)
class Snapshot:
    """Counters at a moment (`at`, s since the epoch), and rates over the `span_s` before it.

    `busy` is the share of that time which each stage took, `bottleneck` the largest of them;
    `eta_s` are the seconds until all is read, at the rate since the beginning.
    """

    at: float
    span_s: float
    counters: Counters
    documents_per_s: float
    mb_per_s: float
    busy: Mapping[str, float]
    bottleneck: str
    eta_s: float | None


class Watch:
    """Takes snapshots of what `look` counts, one after the other."""

    def __init__(self, look: Callable[[], Counters]) -> None:
        self._look = look
        self._first = self._last = look()
        self._began = self._at = time.perf_counter()

    def take(self) -> Snapshot:
        """Return the next snapshot, with rates since the one before."""
        counters, now = self._look(), time.perf_counter()
        before, span_s = self._last, now - self._at
        busy = shares(before.stages or {}, counters.stages or {}, span_s) if before.stages else {}
        self._last, self._at = counters, now
        per_s = (counters.documents - before.documents) / span_s if span_s else 0.0
        n_bytes = counters.sent_bytes - before.sent_bytes
        return Snapshot(
            at=time.time(),
            span_s=round(span_s, 3),
            counters=counters,
            documents_per_s=round(per_s, 2),
            mb_per_s=round(n_bytes / span_s / 2**20, 3) if span_s else 0.0,
            busy=busy,
            bottleneck=bottleneck(busy),
            eta_s=self._eta(counters, now),
        )

    def _eta(self, counters: Counters, now: float) -> float | None:
        first = self._first.done or 0.0
        if counters.done is None or counters.done <= first:
            return None
        return round((1 - counters.done) * (now - self._began) / (counters.done - first), 1)
