"""How a run follows a cluster that is idle, refuses, slows down and recovers: docs/pressure.svg.

python -m benchmarks.pressure writes documents through a proxy that lets requests pass for a while,
then refuses half of them for load, then holds each up, and lets them pass again.
"""

import random
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from opensearchpy import OpenSearch

from splare_os.cli.options import cluster_connection, cluster_options
from splare_os.connection import open_client
from splare_os.documents import Fields
from splare_os.index import BulkOptions, IngestOptions, IngestRun, ingest
from tests.index import faults
from tests.index.proxy import Exchange, Fault, Proxy, Request, passed

from .loaders import INDEX, Table, write
from .pictures import pyplot, save

PAGE = Path(__file__).parents[1] / "docs" / "pressure.svg"
LOOK_EVERY_S = 0.25
REFUSED, HELD_S = 0.5, 1.0


@dataclass
class Weather:
    """What the proxy does now: `kind` is calm, refusing or slow; `changes` says when it began."""

    kind: str = "calm"
    changes: list[tuple[float, str]] = field(default_factory=list)

    def change(self, kind: str, at: float) -> None:
        """Change it."""
        self.kind = kind
        self.changes.append((at, kind))

    def rule(self, request: Request) -> Fault:
        """Return what is done to a request."""
        if request.kind != "POST _bulk" or self.kind == "calm":
            return passed
        if self.kind == "slow":
            return held_up
        is_hit = random.random() < REFUSED
        return faults.status(429, "rejected_execution_exception") if is_hit else passed


def held_up(exchange: Exchange) -> None:
    """Pass a request on, late."""
    time.sleep(HELD_S)
    passed(exchange)


@dataclass
class Trace:
    """What was seen of a run at each moment: requests at once, and documents done."""

    times: list[float] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)
    documents: list[int] = field(default_factory=list)

    def look(self, run: IngestRun, now: float) -> None:
        """Note how the run is."""
        if run.worker is not None:
            self.times.append(now)
            self.limits.append(run.worker.flight.sender.gate.limit)
            self.documents.append(sum(run.counts.values()))

    def rates(self, over: int = 8) -> list[float]:
        """Return documents a second over the last looks, at each of them."""
        return [
            (self.documents[at] - self.documents[max(0, at - over)])
            / max(1e-9, self.times[at] - self.times[max(0, at - over)])
            for at in range(len(self.times))
        ]


def traced(run: IngestRun, weather: Weather, phase_s: float) -> Trace:
    """Let a run go through four phases, and return what was seen; it is stopped at the end."""
    trace, begun = Trace(), time.perf_counter()
    phases = ["calm", "refusing", "calm", "slow", "calm"]
    thread = threading.Thread(target=exhaust, args=(run,), daemon=True)
    thread.start()
    while phases and thread.is_alive():
        now = time.perf_counter() - begun
        if now >= len(weather.changes) * phase_s:
            weather.change(phases.pop(0), now)
        trace.look(run, now)
        time.sleep(LOOK_EVERY_S)
    end = time.perf_counter() + phase_s
    while time.perf_counter() < end and thread.is_alive():
        trace.look(run, time.perf_counter() - begun)
        time.sleep(LOOK_EVERY_S)
    run.stop.set()
    thread.join()
    return trace


def exhaust(run: IngestRun) -> None:
    """Let a run go until it is stopped."""
    try:
        for _ in run:
            pass
    except Exception as error:  # noqa: BLE001  # told, whatever it was
        click.echo(f"ended: {error}", err=True)


def draw(trace: Trace, weather: Weather, path: Path) -> None:
    """Draw limits and rates over time."""
    plt = pyplot()
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 4), sharex=True)
    above.step(trace.times, [int(limit) for limit in trace.limits], color="tab:blue")
    above.set(ylabel="requests at once", ylim=(0, 1.25 * max(trace.limits)))
    below.plot(trace.times, trace.rates(), color="tab:orange")
    below.set(ylabel="documents/s", xlabel="s", ylim=(0, None))
    ends = [*(at for at, _ in weather.changes[1:]), trace.times[-1]]
    for (at, kind), end in zip(weather.changes, ends, strict=True):
        for panel in (above, below):
            if kind != "calm":
                panel.axvspan(
                    at, end, color="tab:red" if kind == "refusing" else "tab:purple", alpha=0.2
                )
        above.text((at + end) / 2, above.get_ylim()[1], kind, ha="center", va="top")
    save(figure, path)


@click.command()
@click.option("--phase", "phase_s", default=15.0, show_default=True, help="Seconds of a phase.")
@click.option("--svg", default=PAGE, show_default=False, type=click.Path(path_type=Path))
@cluster_options
def main(phase_s: float, svg: Path, **cluster: Any) -> None:  # noqa: ANN401  # one for each option
    """Draw how a run follows its cluster."""
    connection = cluster_connection(cluster)
    weather = Weather()
    with (
        closing(open_client(connection)) as direct,
        TemporaryDirectory() as name,
        Proxy(connection.urls[0], weather.rule) as proxy,
        OpenSearch(proxy.url, timeout=60, max_retries=0, pool_maxsize=16) as client,
    ):
        folder = Path(name)
        write(folder, 2_000_000)
        direct.indices.delete(index=INDEX, params={"ignore_unavailable": "true"})
        bulk = BulkOptions(most_requests=8)  # whatever the cores: the gate is to be seen
        options = IngestOptions(
            INDEX, Fields(title=None), scoring="dot", state_folder=folder, bulk=bulk
        )
        run = ingest(client, Table(), [str(folder / "docs.jsonl")], options)
        trace = traced(run, weather, phase_s)
        draw(trace, weather, svg)
        for (at, kind), end in zip(
            weather.changes, [*(at for at, _ in weather.changes[1:]), trace.times[-1]], strict=True
        ):
            inside = [n for n, now in enumerate(trace.times) if at <= now < end]
            limits = [int(trace.limits[n]) for n in inside]
            n_done = trace.documents[inside[-1]] - trace.documents[inside[0]]
            click.echo(
                f"{kind}: requests at once {limits[0]} to {limits[-1]}, at least {min(limits)}; "
                f"{n_done / (end - at):.0f} documents/s"
            )
        direct.indices.delete(index=INDEX, params={"ignore_unavailable": "true"})


if __name__ == "__main__":
    main()
