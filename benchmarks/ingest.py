"""How fast documents with known impacts reach an index, beside loaders that others would write.

python -m benchmarks.ingest writes 40,000 documents of 200 impacts each, which come from a table and
not from a model, in rounds, in each of them once by every loader: `splare-os index`; a raw loader
tuned by hand (the same bodies, two threads, whatever the cluster replies); opensearch-py's
`streaming_bulk` and `parallel_bulk` as they come; and the floor, which only posts bodies that were
made before: no client can do less. Where the cluster has the client's cores, what a loader takes is
the sum of both CPU times, and the floor's share says what there is to win. Then the bytes of an
impact on disk; then texts with a model: the worker's rate beside the encoder's own. With --flat N,
the memory of a run over N documents, as it grows.
"""

import json
import os
import resource
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np
from opensearchpy import OpenSearch
from opensearchpy.helpers import parallel_bulk, streaming_bulk

from splare_os.cli.options import cluster_connection, cluster_options
from splare_os.connection import open_client
from splare_os.encode.load import load_encoder
from splare_os.encode.quiet import quieten_transformers
from splare_os.encoder import Encoder
from splare_os.index import IngestOptions, IngestRun, ingest
from splare_os.index.worker import CHUNK

from .loaders import (
    FIELDS,
    INDEX,
    N_KEPT,
    Load,
    Loader,
    Table,
    helper,
    ours,
    posted,
    raw,
    raw_bodies,
    timed,
    write,
)
from .pairs import of_pairs, seconds

RATIOS = (
    *(("ours", other) for other in ("raw loader", "streaming_bulk", "parallel_bulk", "floor")),
    ("floor", "parallel_bulk"),
)


def loaders(table: Table, folder: Path) -> dict[str, Loader]:
    """Return the loaders by name."""
    bodies = list(raw_bodies(table, folder))
    return {
        "ours": ours,
        "raw loader": raw,
        "streaming_bulk": partial(helper, streaming_bulk),
        "parallel_bulk": partial(helper, parallel_bulk),
        "floor": lambda client, table, _: posted(client, table, bodies),
    }


def rounds(client: OpenSearch, n: int, n_rounds: int, folder: Path) -> list[dict[str, Load]]:
    """Return what each loader took in each round; another begins each round."""
    table = Table()
    known = loaders(table, folder)
    names, found = list(known), []
    for number in range(n_rounds):
        at = number % len(names)
        order = [*names[at:], *names[:at]][:: 1 if number % 2 else -1]
        found.append({name: timed(known[name], client, table, n, folder) for name in order})
    return found


def compared(found: Sequence[Mapping[str, Load]], n: int) -> Iterator[str]:
    """Yield the ratios of rates, then what each loader took.

    Beside a ratio of rates stands that of CPU times, client and cluster together: what is left of
    it where both fill the same cores and nobody else does. Other work beside hardly bends it.
    """
    for one, other in RATIOS:
        ratio = of_pairs([took[other].seconds / took[one].seconds for took in found])
        cpu = of_pairs([took[other].cpu_ms / took[one].cpu_ms for took in found])
        yield f"{one} / {other}: {ratio}; by CPU times {cpu}"
    for name in found[0]:
        loads = [took[name] for took in found]
        rate = n / np.median([load.seconds for load in loads])
        client = np.median([load.client_ms for load in loads])
        cluster = np.median([load.cluster_ms for load in loads])
        yield (
            f"{name}: {rate:.0f} documents/s; CPU for a document: {client:.3f} ms of the client, "
            f"{cluster:.3f} ms of the cluster"
        )
    yield by_stage([run for took in found if (run := took["ours"].run)])


def sizes(client: OpenSearch, n: int, folder: Path) -> Iterator[str]:
    """Yield what an impact takes in an index, merged to one segment; ids and texts are small."""
    for is_compact in (False, True):
        client.indices.delete(index=INDEX, params={"ignore_unavailable": "true"})
        options = IngestOptions(
            INDEX, FIELDS, state_folder=folder, is_restarted=True, compact=is_compact, force_merge=1
        )
        for _ in ingest(client, Table(), [str(folder / "docs.jsonl")], options):
            pass
        (copies,) = client.indices.segments(index=INDEX)["indices"][INDEX]["shards"].values()
        n_bytes = sum(one["size_in_bytes"] for one in copies[0]["segments"].values())
        kind = "compact" if is_compact else "whole"
        yield f"an impact in an index, {kind}: {n_bytes / n / N_KEPT:.1f} bytes"


def with_model(
    client: OpenSearch, encoder: Encoder, texts: Sequence[str], pairs: int
) -> Iterator[str]:
    """Yield the worker's rate with a model beside the encoder's own, of interleaved pairs.

    And how the time of the thread that reads, encodes and records is spent.
    """
    ratios, runs = [], []
    with TemporaryDirectory() as name:
        folder = Path(name)
        lines = [json.dumps({"_id": str(at), "text": text}) for at, text in enumerate(texts)]
        (folder / "docs.jsonl").write_text("\n".join(lines))
        options = IngestOptions(INDEX, FIELDS, state_folder=folder, is_restarted=True)

        def index() -> None:
            run = ingest(client, encoder, [str(folder / "docs.jsonl")], options)
            for _ in run:
                pass
            runs.append(run)

        def encode() -> None:
            for first in range(0, len(texts), CHUNK):
                encoder.encode_documents(texts[first : first + CHUNK])

        for number in range(pairs):
            client.indices.delete(index=INDEX, params={"ignore_unavailable": "true"})
            works = (index, encode) if number % 2 else (encode, index)
            took = {work: seconds(work) for work in works}
            ratios.append(took[encode] / took[index])
    yield f"worker / encoder alone, texts/s: {of_pairs(ratios)}"
    yield by_stage(runs)


def by_stage(runs: Sequence[IngestRun]) -> str:
    """Return which share of our time each stage takes, and the cluster has something to do.

    Medians of runs. `cluster` is what the one thread of all other stages waits for it.
    """
    shares = [_shares(run) for run in runs]
    medians = {name: np.median([one[name] for one in shares]) for name in shares[0]}
    return "time by stage: " + ", ".join(f"{name} {share:.1%}" for name, share in medians.items())


def _shares(run: IngestRun) -> dict[str, float]:
    assert run.worker
    spent_s = dict(run.counters().stages or {})
    total_s = sum(spent_s.values())
    spent_s["a request in the air"] = run.worker.flight.sender.gate.busy_s()
    return {name: seconds / total_s for name, seconds in spent_s.items()}


def flat(client: OpenSearch, n: int) -> Iterator[str]:
    """Yield the memory of this process, in MB, as documents are done."""
    with TemporaryDirectory() as name:
        write(Path(name), n)
        client.indices.delete(index=INDEX, params={"ignore_unavailable": "true"})
        table = Table()
        options = IngestOptions(INDEX, FIELDS, top_k=20, state_folder=Path(name))
        run = ingest(client, table, [f"{name}/docs.jsonl"], options)
        for n_done, _ in enumerate(run, 1):
            if n_done in {n // 20, n // 10, n // 2, n}:
                pages = int(Path("/proc/self/statm").read_text().split()[1])
                now_mb = pages * resource.getpagesize() / 2**20
                yield f"{n_done} documents: {now_mb:.0f} MB"


@click.command()
@click.option("--documents", default=40_000, show_default=True, type=click.IntRange(min=100))
@click.option(
    "--pairs", default=7, show_default=True, type=click.IntRange(min=1), help="Rounds of loaders."
)
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
        for line in compared(rounds(client, documents, pairs, Path(name)), documents):
            click.echo(line)
        for line in sizes(client, documents, Path(name)):
            click.echo(line)
        if data:
            # not before: loaders are timed without torch, whose objects a garbage collector walks
            from splare_os.evaluate.datasets import read_corpus, read_dataset

            quieten_transformers()
            texts = [one.text for one in read_corpus(read_dataset(data, data.name).corpus)]
            for line in with_model(client, load_encoder(model), texts[:3000], pairs):
                click.echo(line)
        client.indices.delete(index=INDEX, params={"ignore_unavailable": "true"})


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    main()
