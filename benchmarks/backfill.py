"""What a backfill does to the searches beside it, and how soon a watch brings impacts.

python -m benchmarks.backfill DATA fills an index with the documents of data sets, as other
software writes them, and lets somebody search it at a steady rate by BM25. In turn, windows of
seconds, a backfill goes or pauses: the ratio is that of the searches' 95th percentiles, window by
window. Then the backfill watches, somebody writes, and each document is looked at until it has
its impacts.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np
from opensearchpy import OpenSearch
from tqdm import tqdm

from splare_os.cli.options import (
    cluster_connection,
    cluster_options,
)
from splare_os.connection import open_client
from splare_os.encode.load import load_encoder
from splare_os.encode.quiet import quieten_transformers
from splare_os.encoder import Encoder
from splare_os.errors import BulkError
from splare_os.evaluate.datasets import read_corpus
from splare_os.index import BackfillOptions, backfill

from .data_sets import data_options, read_sets
from .pairs import of_pairs

INDEX = "splare-bench-backfill"
SEARCHES_A_S = 20
WRITES_A_S = 10


@dataclass
class Searches:
    """Somebody's searches, one each so many seconds: when each began, and its milliseconds."""

    url: str
    queries: Sequence[str]
    times: list[tuple[float, float]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Search until it is ended; a late search is timed from when it was due."""
        due, draw = time.perf_counter(), random.Random(0)
        with OpenSearch(self.url, timeout=60) as client:
            while not self.ended.wait(max(0.0, due - time.perf_counter())):
                query = {"match": {"text": draw.choice(self.queries)}}
                client.search(index=INDEX, body={"size": 10, "query": query})
                self.times.append((due, 1000 * (time.perf_counter() - due)))
                due += 1 / SEARCHES_A_S

    def between(self, start: float, end: float) -> list[float]:
        """Return the milliseconds of those that began in a window."""
        return [took for began, took in self.times if start <= began < end]


def written(client: OpenSearch, texts: Sequence[str]) -> None:
    """Write the documents as other software would."""
    properties = {"text": {"type": "text", "analyzer": "english"}}
    client.indices.delete(index=INDEX, params={"ignore_unavailable": "true"})
    client.indices.create(index=INDEX, body={"mappings": {"properties": properties}})
    for first in range(0, len(texts), 1000):
        part = texts[first : first + 1000]
        body = [
            line
            for at, text in enumerate(part, first)
            for line in ({"index": {"_id": str(at)}}, {"text": text})
        ]
        client.bulk(index=INDEX, body=body)
    client.indices.refresh(index=INDEX)


def in_windows(
    worker: "subprocess.Popen[bytes]", searches: Searches, window_s: float
) -> Iterator[tuple[float, float]]:
    """Yield 95th percentiles, of a window without and of one with the backfill, until it ends."""
    while True:
        worker.send_signal(signal.SIGSTOP)
        time.sleep(1)  # what is in the air lands
        quiet = time.perf_counter()
        time.sleep(window_s)
        worker.send_signal(signal.SIGCONT)
        time.sleep(1)
        busy = time.perf_counter()
        with suppress(subprocess.TimeoutExpired):
            worker.wait(window_s)
            return
        windows = (quiet, quiet + window_s), (busy, busy + window_s)
        yield tuple(float(np.percentile(searches.between(*one), 95)) for one in windows)


def started(url: str, model: str, folder: str, options: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Return `splare-os backfill` as it begins to write."""
    where = ["--index", INDEX, "--url", url, "--model", model, "--title-field", ""]
    command = [sys.executable, "-m", "splare_os", "-v", "backfill", *where, *options]
    command += ["--report-every", "0.5"]
    worker = subprocess.Popen(
        command, stderr=subprocess.PIPE, env=os.environ | {"XDG_STATE_HOME": folder}
    )
    assert worker.stderr is not None
    while b" documents=" not in (line := worker.stderr.readline()) or b" documents=0 " in line:
        pass
    threading.Thread(target=worker.stderr.read, daemon=True).start()
    return worker


def watched(
    client: OpenSearch, encoder: Encoder, folder: Path, texts: Sequence[str]
) -> list[float]:
    """Return the seconds from the acknowledgement of a write to the impacts, of each document."""
    options = BackfillOptions(INDEX, state_folder=folder, watch=True)
    run = backfill(client, encoder, options)
    thread = threading.Thread(target=exhaust, args=(run,))
    thread.start()
    waiting: dict[str, float] = {}
    delays: list[float] = []
    try:
        for number, text in enumerate(texts):
            name = f"new{number}"
            client.index(index=INDEX, id=name, body={"text": text})
            waiting[name] = time.perf_counter()
            until = waiting[name] + 1 / WRITES_A_S
            while time.perf_counter() < until:
                look(client, waiting, delays)
        while waiting:
            look(client, waiting, delays)
    finally:
        run.stop.set()
        thread.join()
    return delays


def exhaust(run: Iterator[object]) -> None:
    """Let a run go until it is stopped."""
    try:
        for _ in run:
            pass
    except BulkError:
        pass  # stopped


def look(client: OpenSearch, waiting: dict[str, float], delays: list[float]) -> None:
    """Note which documents have impacts by now."""
    ids = list(waiting)
    if ids:
        reply = client.mget(index=INDEX, body={"ids": ids}, params={"_source": "text_splare.count"})
        now = time.perf_counter()
        done = [doc["_id"] for doc in reply["docs"] if doc["_source"]]
        delays += [now - waiting.pop(name) for name in done]
    time.sleep(0.02)


@click.command()
@data_options(documents=20_000)
@click.option("--share", default=0.25, show_default=True, help="As of `splare-os backfill`.")
@click.option("--window", default=4.0, show_default=True, help="Seconds of a window.")
@cluster_options
def main(
    data: Path,
    documents: int,
    model: str,
    sets: Sequence[str],
    share: float,
    window: float,
    **cluster: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Fill an index that is searched."""
    quieten_transformers()
    encoder, read = load_encoder(model), read_sets(data, sets)
    texts = [one.text for each in read for one in read_corpus(each.corpus)]
    queries = [text for each in read for text in each.queries.values()]
    connection = cluster_connection(cluster)
    url = connection.urls[0]
    with closing(open_client(connection)) as client, TemporaryDirectory() as folder:
        written(client, texts[:documents])
        searches, start = Searches(url, queries), time.perf_counter()
        with searching(searches):
            worker = started(url, model, folder, ["--share", str(share)])
            pairs = list(tqdm(in_windows(worker, searches, window)))
        seconds = time.perf_counter() - start
        delays = watched(client, encoder, Path(folder), queries[:200])
    for line in told(len(texts[:documents]), seconds, pairs, delays):
        click.echo(line)


@contextmanager
def searching(searches: Searches) -> Iterator[None]:
    """Let somebody search meanwhile."""
    thread = threading.Thread(target=searches.run)
    thread.start()
    try:
        yield
    finally:
        searches.ended.set()
        thread.join()


def told(
    n_indexed: int, seconds: float, pairs: Sequence[tuple[float, float]], delays: Sequence[float]
) -> Iterator[str]:
    """Yield what was measured."""
    yield f"{n_indexed} documents indexed in {seconds:.0f} s, half of them pauses"
    quiet, busy = np.array(pairs).T
    yield f"search p95, ms, median of windows: {np.median(quiet):.1f} alone, {np.median(busy):.1f}"
    yield f"p95 beside a backfill / alone, medians of pairs: {of_pairs((busy / quiet).tolist())}"
    p50, p95 = np.percentile(delays, [50, 95])
    yield f"impacts after a write, s: p50 {p50:.2f}, p95 {p95:.2f}, of {len(delays)}"


if __name__ == "__main__":
    main()
