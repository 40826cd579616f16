"""What 100 million and 10 billion documents take: on paper, and simulated; writes docs/scale.md.

python -m benchmarks.scale puts the tables between the marks of the page. Constants are what the
benchmarks of this folder measured (each says which), or assumptions, which are named as such.
"""

import heapq
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, exp
from pathlib import Path
from statistics import quantiles

import click

from .table import put_between_marks

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
HOUR = 3600.0


@dataclass(frozen=True)
class Model:
    """What a model costs: operations a token, and postings that a document shares with a query."""

    name: str
    flop_a_token: float
    mass: float


@dataclass(frozen=True)
class Constants:
    """Measured; `_assumed` those that were not."""

    tokens: int = 200
    """Of a document, and 900 bytes of text: the sample's."""
    text_bytes: int = 900
    impacts: int = 200
    core_flop_s: float = 7.4e10
    """Of one core in encoding: encode --benchmark on two cores, float32."""
    bulk_core_s: float = 0.8e-3
    """Of the cluster's cores for a document of 200 impacts: benchmarks.ingest, two cores full."""
    loader_core_s: float = 0.07e-3
    """Of the worker's core for one, without encoding: benchmarks.ingest."""
    posting_s: float = 9.0e-9
    """Of a core for a posting of a query, the best hits kept: docs/search.md, at 2 M documents."""
    posting_sigma: float = 0.21
    """Of the logarithm of a query's time: its 95th percentile is 1.41 medians (55 to 39 ms)."""
    whole_bytes: float = 17.4
    compact_bytes: float = 6.9
    """Of an impact in the index, with `_source` or without: benchmarks.ingest."""
    text_share: float = 1.2
    encoded_bytes: int = 1400
    """Of a document in a file of `splare-os encode --out`."""
    gpu_flop_s_assumed: float = 3.0e14
    """0.3 of what an H100 promises in bfloat16; no GPU has been measured."""
    gpu_mtbf_s_assumed: float = 200 * HOUR
    merge_s_assumed: float = 2e-3
    """Of a coordinating node, to gather what the shards found."""


@dataclass(frozen=True)
class Cluster:
    """Data nodes of `cores` each; a shard has at most `shard_bytes`, and `replicas` copies."""

    cores: int = 16
    shard_bytes: float = 30e9
    replicas: int = 1
    disk_bytes: float = 3e12
    heap_gb: int = 31


@dataclass(frozen=True)
class Plan:
    """What a collection takes; times in hours of one GPU or one core."""

    gpu_hours: float
    core_hours: float
    files_bytes: float
    index_core_hours: float
    index_bytes: float
    shards: int
    nodes_for_disk: int
    query_core_s: float


def plan(n: int, model: Model, constants: Constants, cluster: Cluster, *, compact: bool) -> Plan:
    """Return what `n` documents take on paper."""
    c = constants
    flop = n * c.tokens * model.flop_a_token
    each = c.compact_bytes if compact else c.whole_bytes
    size = n * (each * c.impacts + c.text_share * c.text_bytes)
    copies = 1 + cluster.replicas
    return Plan(
        gpu_hours=flop / c.gpu_flop_s_assumed / HOUR,
        core_hours=flop / c.core_flop_s / HOUR,
        files_bytes=float(n * c.encoded_bytes),
        index_core_hours=n * c.bulk_core_s * copies / HOUR,
        index_bytes=size,
        shards=ceil(size / cluster.shard_bytes),
        nodes_for_disk=ceil(copies * size / (0.7 * cluster.disk_bytes)),
        query_core_s=n * model.mass * c.posting_s,
    )


@dataclass(frozen=True)
class Latency:
    """Of a query, in seconds, and the share of the cores' time that queries take."""

    p50: float
    p95: float
    p99: float
    busy: float


def search_on_paper(n: int, shards: int, model: Model, constants: Constants) -> float:
    """Return the median time of a query that nobody else disturbs, if no shard were slower."""
    return n / shards * model.mass * constants.posting_s + constants.merge_s_assumed


def simulated_search(
    shard_s: float,
    shards: int,
    cores: int,
    rate: float,
    constants: Constants,
    *,
    n_queries: int = 4000,
    seed: int = 0,
) -> Latency:
    """Return latencies of queries that come at random, `rate` a second.

    Each has a task for each shard, of `shard_s` in the median, in the order of arrival on the next
    of `cores` that is free; it ends with its last task.
    """
    draw = random.Random(seed)
    free = [0.0] * cores
    now, work, found = 0.0, 0.0, []
    for _ in range(n_queries):
        now += draw.expovariate(rate)
        weight = exp(draw.gauss(0.0, constants.posting_sigma))
        last = now
        for _ in range(shards):
            took = shard_s * weight * draw.uniform(0.9, 1.1)  # shards are not quite alike
            ended = max(now, free[0]) + took
            heapq.heapreplace(free, ended)
            last = max(last, ended)
            work += took
        found.append(last - now + constants.merge_s_assumed)
    cuts = quantiles(found, n=100)
    return Latency(cuts[49], cuts[94], cuts[98], work / (now * cores))


@dataclass(frozen=True)
class Encoding:
    """Hours of a stage on `gpus`, and the share of work that was done again."""

    hours: float
    again: float


def simulated_encoding(
    n: int,
    gpus: int,
    model: Model,
    constants: Constants,
    *,
    shard_documents: int = 20_000,
    seed: int = 0,
) -> Encoding:
    """Return how long files take that are dealt to the next free GPU, some of which die.

    A file whose GPU dies is begun anew by the next that is free; the GPU is back in five minutes.
    """
    draw = random.Random(seed)
    each_s = shard_documents * constants.tokens * model.flop_a_token / constants.gpu_flop_s_assumed
    n_files, lost = ceil(n / shard_documents), 0.0
    free = [0.0] * min(gpus, n_files)
    waiting, ends = n_files, 0.0
    while waiting:
        began = free[0]
        took = each_s * draw.uniform(0.8, 1.25)
        dies = draw.expovariate(1 / constants.gpu_mtbf_s_assumed)
        if dies < took:
            lost += dies
            heapq.heapreplace(free, began + dies + 300)
            continue
        waiting -= 1
        ends = max(ends, began + took)
        heapq.heapreplace(free, began + took)
    return Encoding(ends / HOUR, lost / (n_files * each_s))


MINI = Model("mini", 2.53e7, 3.65)
LIGHT = Model("mini's size, mass 1", 2.53e7, 1.0)
GEMMA = Model("Gemma 2 2B to layer 12, 16k latents", 2.2e9, 1.0)
SIZES = (100_000_000, 10_000_000_000)
GPUS = {100_000_000: 8, 10_000_000_000: 256}


def tables(constants: Constants, cluster: Cluster) -> Iterator[str]:
    """Yield the tables of the page."""
    yield "### On paper"
    yield _table(
        ["", *(f"{_count(n)} documents" for n in SIZES)],
        list(_rows(constants, cluster)),
    )
    yield "### Encoding, simulated"
    yield _table(
        ["documents, model, GPUs", "hours on paper", "hours simulated", "done again"],
        [_encoding(n, model, constants) for n in SIZES for model in (MINI, GEMMA)],
    )
    yield "### Search of 100 million documents, simulated"
    yield _table(
        ["model, shards on cores", "queries/s", "cores busy", "p50 on paper", "p50", "p95", "p99"],
        list(_searches(SIZES[0], constants)),
    )


def _rows(constants: Constants, cluster: Cluster) -> Iterator[list[str]]:
    whole = [plan(n, MINI, constants, cluster, compact=False) for n in SIZES]
    small = [plan(n, MINI, constants, cluster, compact=True) for n in SIZES]
    light = [plan(n, LIGHT, constants, cluster, compact=True) for n in SIZES]
    gemma = [plan(n, GEMMA, constants, cluster, compact=True) for n in SIZES]
    yield ["mini: core hours of encoding", *(f"{one.core_hours:,.0f}" for one in whole)]
    yield ["mini: GPU hours (assumed rate)", *(f"{one.gpu_hours:,.1f}" for one in whole)]
    yield ["Gemma 2 2B: GPU hours (assumed rate)", *(f"{one.gpu_hours:,.0f}" for one in gemma)]
    yield ["files between the stages", *(_size(one.files_bytes) for one in whole)]
    yield ["core hours of bulk requests, 1 replica", *(f"{p.index_core_hours:,.0f}" for p in whole)]
    yield ["index, one copy", *(_size(one.index_bytes) for one in whole)]
    yield ["index, one copy, compact", *(_size(one.index_bytes) for one in small)]
    yield ["primary shards of 30 GB, compact", *(f"{one.shards:,}" for one in small)]
    yield ["nodes of 3 TB for both copies, compact", *(f"{p.nodes_for_disk:,}" for p in small)]
    yield ["core seconds a query, mini", *(f"{one.query_core_s:,.1f}" for one in small)]
    yield ["core seconds a query, mass 1", *(f"{one.query_core_s:,.2f}" for one in light)]


def _encoding(n: int, model: Model, constants: Constants) -> list[str]:
    gpus = GPUS[n]
    paper = n * constants.tokens * model.flop_a_token / constants.gpu_flop_s_assumed / HOUR / gpus
    found = simulated_encoding(n, gpus, model, constants)
    told = f"{_count(n)}, {model.name}, {gpus}"
    return [told, f"{paper:.2f}", f"{found.hours:.2f}", f"{found.again:.2%}"]


def _searches(n: int, constants: Constants) -> Iterator[list[str]]:
    for model, shards, cores, rate in (
        (MINI, 16, 64, 1.0),
        (MINI, 64, 64, 1.0),
        (MINI, 64, 64, 10.0),
        (MINI, 64, 64, 15.0),
        (LIGHT, 64, 64, 10.0),
        (LIGHT, 64, 64, 40.0),
        (LIGHT, 64, 64, 60.0),
    ):
        paper = search_on_paper(n, shards, model, constants)
        shard_s = n / shards * model.mass * constants.posting_s
        found = simulated_search(shard_s, shards, cores, rate, constants)
        times = (paper, found.p50, found.p95, found.p99)
        told = f"{model.name}, {shards} on {cores}"
        yield [told, f"{rate:g}", f"{found.busy:.0%}", *(f"{1000 * t:.0f} ms" for t in times)]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _count(n: int) -> str:
    """Return a number in words.

    >>> _count(100_000_000), _count(10_000_000_000)
    ('100 million', '10 billion')
    """
    return f"{n // 10**9} billion" if n >= 10**9 else f"{n // 10**6} million"


def _size(n_bytes: float) -> str:
    """Return a size.

    >>> _size(1.4e11), _size(1.4e13)
    ('140 GB', '14.0 TB')
    """
    return f"{n_bytes / 1e12:.1f} TB" if n_bytes >= 1e12 else f"{n_bytes / 1e9:.0f} GB"


@click.command()
def main() -> None:
    """Write the tables into docs/scale.md."""
    found = "\n\n".join(tables(Constants(), Cluster()))
    put_between_marks(PAGE, found)
    click.echo(found)


if __name__ == "__main__":
    main()
