"""How fast documents with known impacts reach an index, beside loaders that others would write.

python -m benchmarks.ingest writes 40,000 documents of 200 impacts each, which come from a table and
not from a model, in interleaved pairs: `splare-os index` against a raw loader tuned by hand (the
same bodies, two threads, whatever the cluster replies), and against opensearch-py's
`streaming_bulk` and `parallel_bulk` as they come. Then texts with a model: the worker's rate beside
the encoder's own. With --flat N, the memory of a run over N documents, as it grows.
"""

import json
import os
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np
import orjson
import urllib3
from opensearchpy import OpenSearch
from opensearchpy.helpers import parallel_bulk, streaming_bulk

from splare_os.cli.options import cluster_connection, cluster_options, quieten_transformers
from splare_os.connection import open_client
from splare_os.documents import Fields
from splare_os.encode.load import load_encoder
from splare_os.encoder import Encoder
from splare_os.evaluate.datasets import read_corpus, read_dataset
from splare_os.impacts import Impacts
from splare_os.index import IngestOptions, ingest
from splare_os.index.worker import CHUNK
from splare_os.layout import ensure_index
from splare_os.layout.field import FieldImpacts, impacts_object

from .pairs import of_pairs, seconds

INDEX = "splare-bench-ingest"
N_LATENTS, N_KEPT = 65_536, 200
ROWS = 2_000
"""Rows of impacts; documents take them in turn."""

RAW_BYTES, RAW_THREADS = 5 * 2**20, 2


class Table:
    """An encoder that looks impacts up: a text is the number of its row."""

    name, fingerprint, n_latents = "table", "0123456789abcdef", N_LATENTS

    def __init__(self, seed: int = 0) -> None:
        draw = np.random.default_rng(seed)
        latents = np.sort(
            np.array([draw.choice(N_LATENTS, N_KEPT, replace=False) for _ in range(ROWS)]), axis=1
        )
        values = np.log1p(draw.gamma(2.0, 1.0, latents.shape)).astype(np.float32)
        starts = np.arange(0, latents.size + 1, N_KEPT)
        self.rows = Impacts((values.ravel(), latents.ravel(), starts), shape=(ROWS, N_LATENTS))
        self.made = FieldImpacts.of(self.rows, None)

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return the rows that texts name."""
        return self.rows[[int(text) % ROWS for text in texts]]

    encode_queries = encode_documents

    def body(self, number: int) -> dict[str, object]:
        """Return a document as all loaders write it."""
        return {"text": str(number), "text_splare": impacts_object(self.made, number % ROWS)}


Loader = Callable[[OpenSearch, Table, Path], None]


def ours(client: OpenSearch, table: Table, folder: Path) -> None:
    """Index a file of documents, as `splare-os index` does."""
    options = IngestOptions(
        INDEX, Fields(title=None), scoring="dot", state_folder=folder / "state", is_restarted=True
    )
    for outcome in ingest(client, table, [str(folder / "docs.jsonl")], options):
        assert outcome.status == "indexed", outcome


def raw(client: OpenSearch, table: Table, folder: Path) -> None:
    """Send chunks of lines by two threads, and look at no item of a reply."""
    made(client, table)
    host = client.transport.hosts[0]
    pool = urllib3.HTTPConnectionPool(host["host"], host["port"], maxsize=RAW_THREADS)
    headers = {"Content-Type": "application/x-ndjson"}

    def send(body: bytes) -> None:
        reply = pool.urlopen("POST", "/_bulk", body, headers)
        assert b'"errors":false' in reply.data[:200]

    with ThreadPoolExecutor(RAW_THREADS) as senders:
        flying = []
        for body in raw_bodies(table, folder):
            flying.append(senders.submit(send, body))
            if len(flying) > 2 * RAW_THREADS:
                flying.pop(0).result()
        for future in flying:
            future.result()
    client.indices.refresh(index=INDEX)


def raw_bodies(table: Table, folder: Path) -> Iterator[bytes]:
    """Yield bodies of bulk requests, of as many bytes as suit a cluster."""
    lines: list[bytes] = []
    size = 0
    with (folder / "docs.jsonl").open("rb") as file:
        for line in file:
            document = orjson.loads(line)
            head = {"index": {"_index": INDEX, "_id": document["_id"]}}
            body = table.body(int(document["text"]))
            lines += [orjson.dumps(head), orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)]
            size += len(lines[-1])
            if size > RAW_BYTES:
                yield b"\n".join(lines) + b"\n"
                lines, size = [], 0
    if lines:
        yield b"\n".join(lines) + b"\n"


def helper(
    load: Callable[..., Iterator[object]], client: OpenSearch, table: Table, folder: Path
) -> None:
    """Write by a helper of opensearch-py, with its defaults."""
    made(client, table)
    for _ in load(client, plain(table, folder)):
        pass
    client.indices.refresh(index=INDEX)


def plain(table: Table, folder: Path) -> Iterator[dict[str, object]]:
    """Yield actions of plain Python values: the helpers' JSON knows no other."""
    bodies = [
        orjson.loads(orjson.dumps(table.body(number), option=orjson.OPT_SERIALIZE_NUMPY))
        for number in range(ROWS)
    ]
    with (folder / "docs.jsonl").open("rb") as file:
        for line in file:
            document = json.loads(line)
            body = bodies[int(document["text"]) % ROWS] | {"text": document["text"]}
            yield {"_index": INDEX, "_id": document["_id"], "_source": body}


def made(client: OpenSearch, table: Table) -> None:
    """Make the index."""
    ensure_index(client, INDEX, table, Fields(title=None), scoring="dot")


def timed(
    load: Loader, client: OpenSearch, table: Table, n: int, folder: Path
) -> tuple[float, float]:
    """Return the seconds that a loader takes for a new index, refreshed, and those of its CPU."""
    client.indices.delete(index=INDEX, params={"ignore_unavailable": "true"})
    begun = time.process_time()
    taken = seconds(partial(load, client, table, folder))
    busy = time.process_time() - begun
    count = client.count(index=INDEX)["count"]
    assert count == n, f"{count} of {n} documents are there"
    return taken, busy


def compared(
    name: str, other: Loader, client: OpenSearch, n: int, pairs: int, folder: Path
) -> Iterator[str]:
    """Yield the ratio of our rate to another's, of interleaved pairs."""
    table, ratios, rates, busy = Table(), [], [], []
    for number in range(pairs):
        order = (ours, other) if number % 2 else (other, ours)
        took = {load: timed(load, client, table, n, folder) for load in order}
        ratios.append(took[other][0] / took[ours][0])
        rates.append(n / took[ours][0])
        busy.append([1000 * took[load][1] / n for load in (ours, other)])
    mine, its = np.median(busy, axis=0)
    yield (
        f"ours / {name}: {of_pairs(ratios)} ({np.median(rates):.0f} documents/s ours; a client's "
        f"CPU for a document: {mine:.2f} ms ours, {its:.2f} ms its)"
    )


def with_model(
    client: OpenSearch, encoder: Encoder, texts: Sequence[str], pairs: int
) -> Iterator[str]:
    """Yield the worker's rate with a model beside the encoder's own, of interleaved pairs.

    And how the time of the thread that reads, encodes and records is spent.
    """
    ratios, busy = [], []
    with TemporaryDirectory() as name:
        folder = Path(name)
        lines = [json.dumps({"_id": str(at), "text": text}) for at, text in enumerate(texts)]
        (folder / "docs.jsonl").write_text("\n".join(lines))
        options = IngestOptions(INDEX, Fields(title=None), state_folder=folder, is_restarted=True)

        def index() -> None:
            run = ingest(client, encoder, [str(folder / "docs.jsonl")], options)
            for _ in run:
                pass
            busy.append(run.counters().stages or {})

        def encode() -> None:
            for first in range(0, len(texts), CHUNK):
                encoder.encode_documents(texts[first : first + CHUNK])

        for number in range(pairs):
            client.indices.delete(index=INDEX, params={"ignore_unavailable": "true"})
            works = (index, encode) if number % 2 else (encode, index)
            took = {work: seconds(work) for work in works}
            ratios.append(took[encode] / took[index])
    yield f"worker / encoder alone, texts/s: {of_pairs(ratios)}"
    yield by_stage(busy)


def by_stage(runs: Sequence[Mapping[str, float]]) -> str:
    """Return which share of the time each stage takes, the median of runs."""
    shares = {
        stage: np.median([seconds[stage] / sum(seconds.values()) for seconds in runs])
        for stage in runs[0]
    }
    return "time by stage: " + ", ".join(f"{stage} {share:.1%}" for stage, share in shares.items())


def flat(client: OpenSearch, n: int) -> Iterator[str]:
    """Yield the memory of this process, in MB, as documents are done."""
    with TemporaryDirectory() as name:
        write(Path(name), n)
        client.indices.delete(index=INDEX, params={"ignore_unavailable": "true"})
        table = Table()
        options = IngestOptions(INDEX, Fields(title=None), top_k=20, state_folder=Path(name))
        run = ingest(client, table, [f"{name}/docs.jsonl"], options)
        for n_done, _ in enumerate(run, 1):
            if n_done in {n // 20, n // 10, n // 2, n}:
                pages = int(Path("/proc/self/statm").read_text().split()[1])
                now_mb = pages * resource.getpagesize() / 2**20
                yield f"{n_done} documents: {now_mb:.0f} MB"


def write(folder: Path, n: int) -> None:
    """Write the file of documents."""
    with (folder / "docs.jsonl").open("w") as file:
        for number in range(n):
            file.write(f'{{"_id": "d{number}", "text": "{number}"}}\n')


@click.command()
@click.option("--documents", default=40_000, show_default=True, type=click.IntRange(min=100))
@click.option("--pairs", default=7, show_default=True, type=click.IntRange(min=1))
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--model", default="mini", show_default=True)
@click.option("--flat", "n_flat", type=click.IntRange(min=1000), help="Only memory, of so many.")
@cluster_options
def main(
    documents: int,
    pairs: int,
    data: Path | None,
    model: str,
    n_flat: int | None,
    **cluster: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Load an index in several ways; --data is a folder of a data set, for texts."""
    connection = cluster_connection(cluster)
    with closing(open_client(connection, pool_maxsize=8)) as client, TemporaryDirectory() as name:
        if n_flat:
            for line in flat(client, n_flat):
                click.echo(line)
            return
        write(Path(name), documents)
        others = {"raw loader": raw, "streaming_bulk": partial(helper, streaming_bulk)}
        others["parallel_bulk"] = partial(helper, parallel_bulk)
        for title, other in others.items():
            for line in compared(title, other, client, documents, pairs, Path(name)):
                click.echo(line)
        if data:
            quieten_transformers()
            texts = [one.text for one in read_corpus(read_dataset(data, data.name).corpus)]
            for line in with_model(client, load_encoder(model), texts[:3000], pairs):
                click.echo(line)
        client.indices.delete(index=INDEX, params={"ignore_unavailable": "true"})


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    main()
