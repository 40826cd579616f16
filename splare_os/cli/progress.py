"""The progress bar of a run that writes to an index, and its reports."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import C, added

if TYPE_CHECKING:
    from ..index import BackfillRun, IngestRun
    from ..index.report import ReportOptions
    from ..index.snapshot import Snapshot

EVERY_S = 1.0


def report_options(command: C) -> C:
    """Add the options that say who is told how far a run is."""
    return added(
        command,
        click.option(
            "--metrics-file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="File for Prometheus, written anew each interval.",
        ),
        click.option(
            "--report-to-cluster", metavar="INDEX", help="Index for a document each interval."
        ),
        click.option("--report-every", default=10.0, show_default=True, help="Seconds of one."),
    )


def chosen_reports(chosen: dict[str, Any]) -> "ReportOptions":
    """Return what the options ask for."""
    from ..index.report import ReportOptions

    return ReportOptions(
        chosen["metrics_file"], chosen["report_to_cluster"], chosen["report_every"]
    )


def draw(
    run: "IngestRun | BackfillRun", title: str, options: "ReportOptions | None" = None
) -> None:
    """Let a run go, show on stderr how far it is, and report."""
    from tqdm import tqdm

    from ..index.report import ReportOptions, reported
    from ..index.snapshot import Watch

    watch, due = Watch(run.counters), time.monotonic()
    with (
        reported(run.client, Watch(run.counters), options or ReportOptions()),
        tqdm(desc=title, unit=" docs", disable=None) as bar,
    ):
        for n_done, _ in enumerate(run, start=1):
            bar.update(run.n_done_before + n_done - bar.n)
            if time.monotonic() >= due and not bar.disable:
                due = time.monotonic() + EVERY_S
                bar.set_postfix_str(told(watch.take()), refresh=False)


def told(snapshot: "Snapshot") -> str:
    """Return a snapshot for a line on a terminal."""
    from .jobs import duration

    counters = snapshot.counters
    parts = [
        "" if counters.done is None else f"{counters.done:.0%}",
        "" if snapshot.eta_s is None else f"{duration(snapshot.eta_s)} left",
        f"{snapshot.mb_per_s:.1f} MB/s",
        f"{counters.in_flight} in flight",
        f"{counters.resent} resent" if counters.resent else "",
        f"{dead} dead" if (dead := (counters.outcomes or {}).get("dead")) else "",
        f"most: {snapshot.bottleneck}" if snapshot.bottleneck else "",
    ]
    return ", ".join(filter(None, parts))
