"""How fast plain text is indexed by the native route, against our worker.

python -m benchmarks.native FILE (JSON Lines with `title` and `text`; the shipped sample if absent)
starts an OpenSearch with ml-commons and `splare-os serve`, and prints a line of JSON. Each pair is
of the same documents, which one route and then the other writes, by turns; the cluster, the server
and the worker share this machine's cores.
"""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from opensearchpy import OpenSearch

from splare_os.cli.options import model_option, opened_encoder, print_json
from splare_os.connect import connect
from splare_os.connect.route import find_route
from splare_os.documents import Fields, read_documents
from splare_os.encoder import Encoder
from splare_os.index import IngestOptions, ingest
from tests.ml_cluster import ml_cluster

from .pairs import N_PAIRS, of_pairs, seconds
from .serve import SAMPLE, server

NATIVE, WORKER = "bench-native", "bench-worker"
SENDERS, A_BULK = 2, 50
"""Requests in flight, and documents of each."""

Document = dict[str, Any]


def read(path: str | None, n_documents: int) -> list[Document]:
    """Return the first documents of a file, their ids numbers."""
    found: list[Document] = []
    for one in read_documents(path or SAMPLE, Fields()):
        if len(found) == n_documents:
            break
        body = one.body or {}
        texts = {name: body.get(name, "") for name in ("title", "text")}
        found.append({"_id": str(len(found)), **texts})
    return found


def write_natively(client: OpenSearch, documents: Sequence[Document]) -> None:
    """Send plain text in bulk requests; every document has to be stored."""

    def send(part: Sequence[Document]) -> None:
        lines = []
        for one in part:
            lines += [{"index": {"_id": one["_id"]}}, {"title": one["title"], "text": one["text"]}]
        body = "".join(json.dumps(line) + "\n" for line in lines)
        items = client.bulk(body=body, index=NATIVE)["items"]
        if {item["index"]["_index"] for item in items} != {NATIVE}:
            raise OSError(f"not all documents went to {NATIVE}: see splare-dead-letters")

    parts = [documents[at : at + A_BULK] for at in range(0, len(documents), A_BULK)]
    with ThreadPoolExecutor(SENDERS) as senders:
        list(senders.map(send, parts))


def write_by_worker(
    client: OpenSearch, encoder: Encoder, folder: Path, documents: Sequence[Document]
) -> None:
    """Index the documents as `splare-os index` does; every one has to be stored."""
    path = folder / f"{time.time_ns()}.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in documents))
    run = ingest(client, encoder, [str(path)], IngestOptions(WORKER, state_folder=folder))
    list(run)
    if run.counts["indexed"] != len(documents):
        raise OSError(f"not all documents were indexed: {run.counts}")


def compared(
    native: Callable[[Sequence[Document]], None],
    worker: Callable[[Sequence[Document]], None],
    documents: Sequence[Document],
) -> dict[str, object]:
    """Return the native rate as a share of the worker's, and both in documents a second."""
    size = len(documents) // (N_PAIRS + 1)
    slices = [documents[at * size : (at + 1) * size] for at in range(N_PAIRS + 1)]
    times: list[tuple[float, float]] = []
    for number, part in enumerate(slices):
        calls = [partial(native, part), partial(worker, part)]
        order = (0, 1) if number % 2 else (1, 0)
        taken = {at: seconds(calls[at]) for at in order}
        times.append((taken[0], taken[1]))
    measured = times[1:]  # the first warms both
    rates = [round(float(np.median([size / pair[at] for pair in measured])), 1) for at in (0, 1)]
    share = of_pairs([by_worker / natively for natively, by_worker in measured])
    return {
        "share_of_worker": str(share),
        "native_per_s": rates[0],
        "worker_per_s": rates[1],
        "documents_a_pair": size,
    }


@click.command()
@click.argument("file", required=False)
@click.option("--documents", "n_documents", default=1600, show_default=True)
@model_option
def main(file: str | None, n_documents: int, model: str) -> None:
    """Print how fast the native route indexes, a line of JSON."""
    documents, encoder = read(file, n_documents), opened_encoder(model)
    with (
        ml_cluster() as cluster,
        server(model, "--url", cluster) as served,
        OpenSearch(cluster, timeout=600) as client,
        tempfile.TemporaryDirectory() as folder,
    ):
        connect(client, find_route(client, NATIVE, Fields(), served.url), sets_cluster=True)
        found = compared(
            partial(write_natively, client),
            partial(write_by_worker, client, encoder, Path(folder)),
            documents,
        )
    print_json({"figure": "native ingest", "model": encoder.name} | found)


if __name__ == "__main__":
    main()
