"""What either scoring costs a search, and how scores move while a collection grows.

python -m benchmarks.growth DATA --documents 300000 takes the impacts of all documents below DATA
(those that `splare-os evaluate` keeps), and as many more as are asked for: each the element-wise
maximum of two real ones, so that latents go together as in real texts. It fills an index for each
scoring, the calibrated one while it is searched, and then asks both in turn.
"""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from opensearchpy import OpenSearch
from opensearchpy.exceptions import OpenSearchException

from splare_os.cli.options import (
    cluster_connection,
    cluster_options,
)
from splare_os.connection import open_client
from splare_os.encode.load import load_encoder
from splare_os.encode.quiet import quieten_transformers
from splare_os.errors import SplareError
from splare_os.evaluate.datasets import read_corpus
from splare_os.impacts import stack
from splare_os.layout.statistics import kept_statistics
from splare_os.search import SplareOpenSearch

from .collection import Grown, Ready, fill, rows_of
from .data_sets import data_options, read_sets
from .scoring import read_collection
from .timing import Found, compared, timed

FIELD = "text_splare"
PREFIX = "splare-growth-"
PLAIN, CALIBRATED = f"{PREFIX}dot", f"{PREFIX}calibrated"
TITLE_CHARS = 100
"""Of the first document, the query that it is searched by while the collection grows."""

PROBE_S = 0.2
"""Seconds between two searches of a collection that grows."""


@dataclass
class Probes:
    """What searches of a growing collection saw: sizes, scores of the first document, failures."""

    sizes: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    ages_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def steps(self) -> list[float]:
        """Return by which part of itself the score changed from one search to the next."""
        pairs = zip(self.scores, self.scores[1:], strict=False)
        return [abs(after - before) / before for before, after in pairs]


def probe(
    url: str, encoder: Ready, index: str, query: str, stop: threading.Event, probes: Probes
) -> None:
    """Search a collection that grows until `stop` is set, and note what is seen."""
    body = {
        "size": 1,
        "query": {
            "bool": {"must": [{"splare": {"text": query}}], "filter": [{"ids": {"values": ["0"]}}]}
        },
    }
    with SplareOpenSearch(url, encoder=encoder, statistics_max_age_s=1.0, timeout=60) as client:
        while not stop.wait(PROBE_S):
            try:
                reply = client.search(index=index, body=body)
                kept = kept_statistics(client, [index], FIELD).get(index)
            except (OpenSearchException, SplareError) as error:
                probes.failures.append(str(error))
                continue
            if reply["hits"]["hits"] and kept is not None:
                probes.scores.append(reply["hits"]["hits"][0]["_score"])
                probes.sizes.append(kept.statistics.documents)
                probes.ages_s.append(time.time() - kept.taken_at.timestamp())


def grow(
    client: OpenSearch, url: str, encoder: Ready, index: str, query: str
) -> tuple[float, Probes]:
    """Fill an index while it is searched for its first document."""
    first = Ready(encoder.encoder, Grown(encoder.documents.real, 10, 1))
    fill(client, first, index, rows_of(first.documents))
    stop, probes = threading.Event(), Probes()
    thread = threading.Thread(target=probe, args=(url, encoder, index, query, stop, probes))
    thread.start()
    try:
        rate = fill(client, encoder, index, rows_of(encoder.documents))
        time.sleep(2)
    finally:
        stop.set()
        thread.join()
    return rate, probes


def search(client: SplareOpenSearch, index: str, scoring: str, query: str) -> Found:
    """Return the milliseconds that the cluster says a search took."""
    clause = {"splare": {"text": {"query": query, "scoring": scoring}}}
    body = {"size": 10, "_source": False, "track_total_hits": False, "query": clause}
    return Found(client.search(index=index, body=body)["took"])


@click.command()
@data_options(documents=300_000)
@click.option("--queries", default=200, show_default=True, help="Queries, drawn of all sets.")
@click.option("--rounds", default=3, show_default=True, help="Times that each is asked.")
@cluster_options
def main(
    data: Path,
    documents: int,
    model: str,
    sets: Sequence[str],
    queries: int,
    rounds: int,
    **cluster: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Search either scoring in turn."""
    quieten_transformers()
    encoder, read = load_encoder(model), read_sets(data, sets)
    real = stack([read_collection(encoder, one).documents for one in read])
    texts = [text for one in read for text in one.queries.values()]
    asked = random.Random(0).sample(texts, min(queries, len(texts)))
    ready = Ready(encoder, Grown(real, documents, encoder.document_top_k))
    connection = cluster_connection(cluster)
    url = connection.urls[0]
    with closing(open_client(connection)) as client:
        client.indices.delete(index=f"{PREFIX}*", params={"ignore_unavailable": "true"})
        rate = fill(client, ready, PLAIN, rows_of(ready.documents), scoring="dot")
        title = next(read_corpus(read[0].corpus)).text[:TITLE_CHARS]
        growing, probes = grow(client, url, ready, CALIBRATED, title)
        sizes = _merged(client)
        searched = _searched(url, ready, asked, rounds)
        for line in (*told(rate, growing, probes), *searched, *sizes):
            click.echo(line)


def _merged(client: OpenSearch) -> list[str]:
    """Merge each index into one segment, and return their sizes."""
    params = {"max_num_segments": 1, "request_timeout": 3600}
    client.indices.forcemerge(index=f"{PREFIX}*", params=params)
    client.indices.refresh(index=f"{PREFIX}*")
    found = client.indices.stats(index=f"{PREFIX}*", metric="store")["indices"]
    return [
        f"{name}: {one['primaries']['store']['size_in_bytes'] / 2**20:.0f} MiB"
        for name, one in found.items()
    ]


def _searched(url: str, encoder: Ready, asked: Sequence[str], rounds: int) -> Iterator[str]:
    with SplareOpenSearch(url, encoder=encoder, timeout=60, statistics_max_age_s=3600) as client:
        searches = {
            "dot": partial(search, client, PLAIN, "dot"),
            "calibrated": partial(search, client, CALIBRATED, "calibrated"),
            "calibrated, plain impacts": partial(search, client, PLAIN, "calibrated"),
        }
        list(timed(searches, asked, 1))  # warm
        yield from compared(list(timed(searches, asked, rounds)), list(searches))


def told(rate: float, growing: float, probes: Probes) -> Iterator[str]:
    """Yield what was seen while a collection grew."""
    steps = probes.steps()
    yield f"docs/s: {rate:.0f} alone (dot), {growing:.0f} while searched (calibrated)"
    yield (
        f"growing from {min(probes.sizes):.0f} to {max(probes.sizes):.0f} documents: "
        f"{len(probes.scores)} searches, {len(probes.failures)} failed"
    )
    yield (
        f"score of one document from search to search: median change {np.median(steps):.4%}, "
        f"largest {max(steps):.2%}; statistics at most {max(probes.ages_s):.1f} s old"
    )
    yield from (f"failed: {reason[:300]}" for reason in probes.failures[:3])


if __name__ == "__main__":
    main()
