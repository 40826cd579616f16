"""Snapshots for others: a file that Prometheus reads, and documents in the cluster itself."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import resources
from pathlib import Path
from threading import Event, Thread
from typing import Any

import orjson
from opensearchpy import OpenSearch

from ..durable import write_durably
from ..errors import JobError
from ..layout.existing import index_exists
from ..paths import StrPath
from .patience import FAILURES, within
from .snapshot import Snapshot, Watch

log = logging.getLogger(__name__)

INDEX = "splare-ops"
PREFIX = "splare_ingest_"
LIMIT_S = 10.0

Report = Callable[[Snapshot], None]


@dataclass(frozen=True)
class ReportOptions:
    """`metrics_file` for Prometheus, `index` for documents of snapshots; one each `every_s`."""

    metrics_file: StrPath | None = None
    index: str | None = None
    every_s: float = 10.0

    def __post_init__(self) -> None:
        """Refuse an interval that is none."""
        if not self.every_s > 0:
            raise ValueError(f"every_s={self.every_s}: report after more than 0 seconds")


@contextmanager
def reported(client: OpenSearch, watch: Watch, options: ReportOptions) -> Iterator[None]:
    """Report on a run while it goes, and once more at its end.

    `JobError` at once if the file cannot be written; a report that fails later never ends a run,
    and the log tells once.
    """
    reports: list[Report] = [to_log]
    if options.metrics_file is not None:
        write = partial(write_metrics, options.metrics_file)
        write(watch.take())
        reports.append(write)
    if options.index is not None:
        reports.append(partial(index_snapshot, client, options.index))
    ended, failed = Event(), set[int]()
    thread = Thread(
        target=_go_on, args=(watch, reports, options.every_s, ended, failed), daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(2 * LIMIT_S)


def _go_on(
    watch: Watch, reports: list[Report], every_s: float, ended: Event, failed: set[int]
) -> None:
    is_last = False
    while not is_last:
        is_last = ended.wait(every_s)
        snapshot = watch.take()
        for at, report in enumerate(reports):
            try:
                report(snapshot)
            except (*FAILURES, JobError) as error:
                if at not in failed:
                    log.warning("reports fail from now on: %s", error)
                failed.add(at)


def to_log(snapshot: Snapshot) -> None:
    """Log a line of a snapshot."""
    counters = snapshot.counters
    log.info(
        "index=%s documents=%d per_s=%.1f mb_per_s=%.2f in_flight=%d resent=%d dead=%d most=%s",
        counters.index,
        counters.documents,
        snapshot.documents_per_s,
        snapshot.mb_per_s,
        counters.in_flight,
        counters.resent,
        (counters.outcomes or {}).get("dead", 0),
        snapshot.bottleneck,
    )


def index_snapshot(client: OpenSearch, index: str, snapshot: Snapshot) -> None:
    """Write a snapshot as a document; the index is made from `mappings/splare-ops.json`.

    A run that has not begun has nothing to tell.
    """
    if snapshot.counters.outcomes is None:
        return
    _ensure(client, index)
    body = snapshot_body(snapshot)
    within(partial(client.index, index=index, body=body), Event(), LIMIT_S)


def snapshot_body(snapshot: Snapshot) -> dict[str, object]:
    """Return a snapshot as a document."""
    counters = snapshot.counters
    return {
        "@timestamp": datetime.fromtimestamp(snapshot.at, UTC).isoformat(timespec="milliseconds"),
        "job": counters.job,
        "index": counters.index,
        "model": counters.model,
        "span_s": snapshot.span_s,
        "documents": counters.documents,
        "outcomes": dict(counters.outcomes or {}),
        "dead_reasons": [
            {"reason": reason, "documents": n}
            for reason, n in (counters.dead_reasons or {}).items()
        ],
        "documents_per_s": snapshot.documents_per_s,
        "mb_per_s": snapshot.mb_per_s,
        "read_bytes": counters.read_bytes,
        "sent_bytes": counters.sent_bytes,
        "requests": counters.requests,
        "resent": counters.resent,
        "in_flight": counters.in_flight,
        "busy": dict(snapshot.busy),
        "bottleneck": snapshot.bottleneck,
        "done": counters.done,
        "eta_s": snapshot.eta_s,
    }


def ops_template() -> dict[str, Any]:
    """Return `mappings/splare-ops.json`, the body of `PUT _index_template/splare-ops`."""
    file = resources.files("splare_os") / "mappings" / f"{INDEX}.json"
    body: dict[str, Any] = orjson.loads(file.read_bytes())
    return body


def _ensure(client: OpenSearch, index: str) -> None:
    if not index_exists(client, index):
        body = ops_template()["template"]
        client.indices.create(index=index, body=body, params={"ignore": 400})  # somebody was faster


def write_metrics(path: StrPath, snapshot: Snapshot) -> None:
    """Replace a file whole by what Prometheus' node exporter reads; `JobError` if that fails."""
    try:
        write_durably(Path(path), metrics(snapshot).encode())
    except OSError as error:
        raise JobError(f"metrics file {path}: {error}. Name one that can be written") from error


def metrics(snapshot: Snapshot) -> str:
    """Return a snapshot in Prometheus' text format."""
    counters = snapshot.counters
    labels = {"job": counters.job, "index": counters.index}
    lines: list[str] = []

    def say(name: str, kind: str, told: str, *values: tuple[dict[str, str], float]) -> None:
        lines.append(f"# HELP {PREFIX}{name} {told}\n# TYPE {PREFIX}{name} {kind}\n")
        lines.extend(f"{PREFIX}{name}{_labels(labels | more)} {value}\n" for more, value in values)

    outcomes = [({"outcome": name}, n) for name, n in (counters.outcomes or {}).items()]
    say("documents_total", "counter", "Documents that are done.", *outcomes)
    say(
        "read_bytes_total", "counter", "Bytes of sources that were read.", ({}, counters.read_bytes)
    )
    say("sent_bytes_total", "counter", "Bytes of bulk requests.", ({}, counters.sent_bytes))
    say("requests_total", "counter", "Bulk requests.", ({}, counters.requests))
    say("resent_total", "counter", "Documents that were sent again.", ({}, counters.resent))
    say("in_flight_chunks", "gauge", "Chunks in the air.", ({}, counters.in_flight))
    busy = [({"stage": name}, share) for name, share in snapshot.busy.items()]
    say("busy_ratio", "gauge", "Share of the last interval that a stage took.", *busy)
    if counters.done is not None:
        say("done_ratio", "gauge", "Share of the sources that was read.", ({}, counters.done))
    if snapshot.eta_s is not None:
        say("eta_seconds", "gauge", "Seconds until all is read.", ({}, snapshot.eta_s))
    at = round(snapshot.at, 3)
    say("snapshot_timestamp_seconds", "gauge", "When this was written.", ({}, at))
    return "".join(lines)


def _labels(labels: dict[str, str]) -> str:
    escaped = {
        name: value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        for name, value in labels.items()
    }
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"
