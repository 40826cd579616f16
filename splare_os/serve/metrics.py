"""Counters, gauges and histograms in the text format that Prometheus reads (version 0.0.4).

All are changed by one thread, that of the event loop.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

M = TypeVar("M", bound="Metric")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
TOKENS = (16, 64, 256, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072)


class Metric(Protocol):
    """What a `Registry` writes."""

    def lines(self) -> Iterator[str]:
        """Yield its lines."""


class Counter:
    """A number for each combination of labels, which only grows."""

    def __init__(self, name: str, told: str, labels: Sequence[str] = ()) -> None:
        self.name, self.told, self.labels = name, told, tuple(labels)
        self.values: dict[tuple[str, ...], float] = {} if labels else {(): 0.0}

    def add(self, value: float = 1.0, /, *labels: str) -> None:
        """Count `value` more, under a value of each label."""
        self.values[labels] = self.values.get(labels, 0.0) + value

    def lines(self) -> Iterator[str]:
        """Yield its lines."""
        yield from _head(self.name, self.told, "counter")
        for values, number in self.values.items():
            yield _line(self.name, dict(zip(self.labels, values, strict=True)), number)


class Gauge:
    """A number that is asked for when it is read, with labels that stay.

    One whose name ends in `_total` only grows: a counter that somebody else keeps.
    """

    def __init__(
        self,
        name: str,
        told: str,
        read: Callable[[], float],
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.told, self.read, self.labels = name, told, read, labels or {}

    def lines(self) -> Iterator[str]:
        """Yield its lines."""
        yield from _head(
            self.name, self.told, "counter" if self.name.endswith("_total") else "gauge"
        )
        yield _line(self.name, self.labels, self.read())


class Histogram:
    """How many values were at most each bound, their number and their sum."""

    def __init__(self, name: str, told: str, bounds: Sequence[float]) -> None:
        self.name, self.told, self.bounds = name, told, tuple(bounds)
        self.counts, self.sum = [0] * (len(bounds) + 1), 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def lines(self) -> Iterator[str]:
        """Yield its lines."""
        yield from _head(self.name, self.told, "histogram")
        total = 0
        for bound, count in zip((*self.bounds, "+Inf"), self.counts, strict=True):
            total += count
            yield _line(f"{self.name}_bucket", {"le": str(bound)}, total)
        yield _line(f"{self.name}_sum", {}, self.sum)
        yield _line(f"{self.name}_count", {}, total)


class Registry:
    """All metrics of a server, in the order in which they were made."""

    def __init__(self) -> None:
        self._metrics: list[Metric] = []

    def counter(self, name: str, told: str, labels: Sequence[str] = ()) -> Counter:
        """Return a new counter; its name ends in `_total`."""
        return self._kept(Counter(name, told, labels))

    def gauge(
        self,
        name: str,
        told: str,
        read: Callable[[], float],
        labels: Mapping[str, str] | None = None,
    ) -> Gauge:
        """Return a new gauge."""
        return self._kept(Gauge(name, told, read, labels))

    def histogram(self, name: str, told: str, bounds: Sequence[float]) -> Histogram:
        """Return a new histogram; `bounds` rise."""
        return self._kept(Histogram(name, told, bounds))

    def _kept(self, metric: M) -> M:
        self._metrics.append(metric)
        return metric

    def text(self) -> str:
        """Return what a scrape reads."""
        return "\n".join([line for metric in self._metrics for line in metric.lines()]) + "\n"


def _head(name: str, told: str, kind: str) -> Iterator[str]:
    yield f"# HELP {name} {told}"
    yield f"# TYPE {name} {kind}"


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{told}}} {value!r}" if told else f"{name} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
