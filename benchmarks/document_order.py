"""Whether documents in an order that keeps like with like are searched faster: `index.sort`.

splare-os encode --out ENCODED FILE…
python -m benchmarks.document_order ENCODED DATA --documents 100000

ENCODED and DATA are those of benchmarks.search. The documents go into an index in the order of
their files, and into one for each other order, sorted by a number that says the document's place:
drawn at random; by cluster, of 512 that spherical k-means makes of the impacts, projected to 64
dimensions at random, each cluster after the one most like it; and by recursive graph bisection,
which puts documents that share latents side by side. All are merged to one segment. It prints how
far apart neighbours of a posting list are (the mean of log2 of the gaps, in bits), and walls as
ratios to the order of the files, the indices in turn on every query.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import click
import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch
from scipy.sparse import csc_array, csr_array

from splare_os.cli.options import cluster_connection, cluster_options
from splare_os.connection import open_client
from splare_os.encode.load import load_encoder
from splare_os.encode.quiet import quieten_transformers
from splare_os.impacts import Impacts
from splare_os.scoring import Saturation, weighed
from splare_os.statistics import Statistics

from .collection import Ready, fill
from .figures import EXACT
from .real import Documents, Judged, read_judged, read_real
from .search import BODY, in_cluster, kinds_of, read_asked
from .timing import ratio, timed

PREFIX, PLACE = "splare-bench-sorted-", "place"
AS_READ, TWO_STEPS = "files", "two steps"
CLUSTERS, DIMENSIONS, ROUNDS = 512, 64, 12
DEPTH, SWAPS, SMALLEST = 11, 8, 32
"""Of the bisection: how deep it goes, how often halves swap documents, what is not halved."""

Order: TypeAlias = NDArray[np.int64]
"""Rows of documents, in an order."""


def by_cluster(impacts: Impacts) -> Order:
    """Return documents by cluster, in each those first that are most like its centre."""
    draw = np.random.default_rng(0)
    saturated = Saturation(mean_length=Statistics.of(impacts).mean_length).of(impacts)
    weights = weighed(saturated, Statistics.of(impacts).idf(), alpha=1.0)
    projection = draw.standard_normal((impacts.shape[1], DIMENSIONS)).astype(np.float32)
    points = _unit(weights @ projection)
    centres = points[draw.choice(len(points), min(CLUSTERS, len(points)), replace=False)]
    for _ in range(ROUNDS):
        own = np.argmax(points @ centres.T, axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, own, points)
        centres = _unit(sums)
    likeness = (points * centres[own]).sum(axis=1)
    return np.lexsort((-likeness, _chain(centres)[own]))


def _unit(points: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    return points / np.maximum(lengths, np.finfo(np.float32).tiny)


def _chain(centres: NDArray[np.float32]) -> Order:
    """Return the place of each centre in a chain, where the nearest that is left comes next."""
    likeness = centres @ centres.T
    places, last = np.full(len(centres), -1), 0
    for place in range(len(centres)):
        places[last] = place
        last = int(np.argmax(np.where(places < 0, likeness[last], -np.inf)))
    return places


def by_bisection(impacts: Impacts) -> Order:
    """Return documents by recursive graph bisection; a latent of few documents does not count.

    Source: Dhulipala et al., KDD 2016 (arXiv 1602.08820), over (document, latent).
    """
    counts = np.bincount(impacts.indices, minlength=impacts.shape[1])
    counted = (counts >= 8) & (counts < 0.9 * impacts.shape[0])
    ones = np.ones(impacts.nnz, dtype=np.float32)
    shows = csr_array((ones, impacts.indices, impacts.indptr), shape=impacts.shape)
    return np.concatenate(list(_halves(shows, np.arange(impacts.shape[0]), counted, DEPTH)))


def _halves(shows: Impacts, rows: Order, counted: NDArray[np.bool_], depth: int) -> Iterator[Order]:
    if not depth or len(rows) <= SMALLEST:
        yield rows
        return
    own = shows[rows]
    is_right = np.arange(len(rows)) >= len(rows) // 2
    for _ in range(SWAPS):
        if not _swap(own, is_right, counted):
            break
    for half in (~is_right, is_right):
        yield from _halves(shows, rows[half], counted, depth - 1)


def _swap(shows: Impacts, is_right: NDArray[np.bool_], counted: NDArray[np.bool_]) -> bool:
    """Swap the documents of both halves that gain by it, best first; return whether there are."""
    gains = np.empty(len(is_right), dtype=np.float32)
    sides = [np.asarray(shows[side].sum(axis=0)).reshape(-1) for side in (~is_right, is_right)]
    sizes = [float(np.count_nonzero(side)) for side in (~is_right, is_right)]
    now = _bits(sides[0], sizes[0]) + _bits(sides[1], sizes[1])
    for at, side in ((0, ~is_right), (1, is_right)):
        left = _bits(np.maximum(sides[at] - 1, 0), sizes[at])
        then = left + _bits(sides[1 - at] + 1, sizes[1 - at])
        gains[side] = shows[side] @ np.where(counted, now - then, 0).astype(np.float32)
    pairs = [np.flatnonzero(side) for side in (~is_right, is_right)]
    one, other = (rows[np.argsort(-gains[rows], kind="stable")] for rows in pairs)
    most = min(len(one), len(other))
    n_better = int(np.count_nonzero(gains[one[:most]] + gains[other[:most]] > 0))
    is_right[one[:n_better]], is_right[other[:n_better]] = True, False
    return n_better > 0


def _bits(counts: NDArray[np.float32], size: float) -> NDArray[np.float32]:
    """Return what the gaps of posting lists of these lengths in a half cost, by estimate."""
    return counts * np.log2(size / (counts + 1))


ORDERS: Mapping[str, Callable[[Impacts], Order]] = {
    AS_READ: lambda impacts: np.arange(impacts.shape[0]),
    "random": lambda impacts: np.random.default_rng(0).permutation(impacts.shape[0]),
    "clusters": by_cluster,
    "bisection": by_bisection,
}


def gap_bits(impacts: Impacts, order: Order) -> float:
    """Return the mean of log2 of the gaps in posting lists, for documents in an order."""
    postings = csc_array(impacts[order])
    gaps = np.diff(postings.indices)
    starts = postings.indptr[1:-1] - 1
    within = np.ones(len(gaps), dtype=bool)
    within[starts[(starts >= 0) & (starts < len(gaps))]] = False
    return float(np.log2(gaps[within]).mean())


def make(client: OpenSearch, encoder: Ready, documents: Documents, name: str, order: Order) -> None:
    """Make the index of an order, unless it is there, and one segment of it."""
    index = f"{PREFIX}{name}"
    if not client.indices.exists(index=index):
        settings = dict(BODY["settings"])
        if name != AS_READ:
            settings |= {"index.sort.field": PLACE, "index.sort.order": "asc"}
        properties = BODY["mappings"]["properties"] | {PLACE: {"type": "integer"}}
        mappings = {"properties": properties}
        client.indices.create(index=index, body={"settings": settings, "mappings": mappings})
        places = np.argsort(order)
        rows = (
            row | {PLACE: int(place)} for row, place in zip(documents.rows(), places, strict=True)
        )
        fill(client, encoder, index, rows, bulk_load=True)
    params = {"max_num_segments": 1, "request_timeout": 7200}
    client.indices.forcemerge(index=index, params=params)
    client.indices.refresh(index=index)


def told(
    client: OpenSearch, encoder: Ready, documents: Documents, judged: Judged, rounds: int
) -> Iterator[str]:
    """Yield how long searches of each index take, as ratios."""
    ways = {}
    for name in ORDERS:
        index = f"{PREFIX}{name}"
        asked = read_asked(client, encoder, index, judged, documents.impacts)
        kinds = kinds_of(asked, has_words=False)
        found = in_cluster(client, index, asked, {kind: kinds[kind] for kind in (EXACT, TWO_STEPS)})
        ways |= {f"{kind}, {name}": way for kind, way in found.items()}
    list(timed(ways, judged.queries, 1))  # warm
    searched = list(timed(ways, judged.queries, rounds))
    for kind in (EXACT, TWO_STEPS):
        for name in ORDERS:
            quotient = ratio(searched, f"{kind}, {name}", f"{kind}, {AS_READ}")
            yield f"{kind}, {name}: {quotient} of the wall in the order of the files"


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--documents", "n_documents", default=100_000, show_default=True)
@click.option("--model", default="mini", show_default=True)
@click.option("--queries", default=200, show_default=True, help="As many of each data set.")
@click.option("--rounds", default=3, show_default=True, help="Times that each is asked.")
@cluster_options
def main(folder: Path, data: Path, n_documents: int, model: str, **options: Any) -> None:  # noqa: ANN401
    """Search documents in each order."""
    quieten_transformers()
    encoder = load_encoder(model)
    real = read_real(folder, encoder.n_latents)
    documents = real.of_size(n_documents, n_documents, encoder.document_top_k)
    impacts, ready = documents.impacts.whole(), Ready(encoder, documents.impacts)
    judged = read_judged(data, real, options["queries"])
    with closing(open_client(cluster_connection(options))) as client:
        for name, arrange in ORDERS.items():
            order = arrange(impacts)
            click.echo(f"{name}: {gap_bits(impacts, order):.2f} bits a gap")
            make(client, ready, documents, name, order)
        for line in told(client, ready, documents, judged, options["rounds"]):
            click.echo(line)


if __name__ == "__main__":
    main()
