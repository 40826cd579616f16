"""What a highlight costs: searches of ten hits with one, without one, and with an explanation.

python -m benchmarks.highlight CORPUS [--index NAME] fills an index with a file of documents unless
there is one, asks it the titles and beginnings of its own documents, the kinds in turn, and prints
a JSON line for each: p50 and p95 in milliseconds, and the ratio to the plain search, pair by pair.
"""

import json
import random
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np

from splare_os.cli.options import cluster_connection, cluster_options
from splare_os.connection import Connection, open_client
from splare_os.encode.load import load_encoder
from splare_os.encoder import Encoder
from splare_os.evaluate.datasets import read_corpus
from splare_os.index import IngestOptions, ingest
from splare_os.search import SplareOpenSearch

from .pairs import of_pairs, seconds

INDEX = "splare-bench-highlight"
KINDS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "highlight": {"highlight": {"fields": {"text": {"type": "splare"}}}},
    "explained": {"ext": {"splare": {"explain": True}}},
}
QUERY_WORDS = 8


def asked(corpus: Path, n_queries: int) -> list[str]:
    """Return the beginnings of texts, drawn evenly from a corpus."""
    texts = [document.text for document in islice(read_corpus(corpus), 5000)]
    drawn = random.Random(0).sample(texts, min(n_queries, len(texts)))
    return [" ".join(text.split()[2 : 2 + QUERY_WORDS]) for text in drawn]


def fill(connection: Connection, encoder: Encoder, index: str, corpus: Path) -> None:
    """Index the documents of a corpus, unless the index is there."""
    with closing(open_client(connection)) as client, TemporaryDirectory() as folder:
        if not client.indices.exists(index=index):
            options = IngestOptions(index, state_folder=Path(folder))
            for _ in ingest(client, encoder, [str(corpus)], options):
                pass


def timed(client: SplareOpenSearch, index: str, queries: list[str]) -> dict[str, list[float]]:
    """Return the milliseconds of each kind of search, by query; the kinds begin in turn."""
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number, query in enumerate(queries):
        names = list(KINDS)
        for kind in names[number % 3 :] + names[: number % 3]:
            body = {"size": 10, "query": {"splare": {"text": query}}, **KINDS[kind]}
            took[kind].append(1000 * seconds(partial(client.search, index=index, body=body)))
    return took


def told(took: Mapping[str, list[float]]) -> list[dict[str, object]]:
    """Return a line for each kind of search."""
    lines: list[dict[str, object]] = []
    for kind, values in took.items():
        p50, p95 = np.percentile(values, [50, 95]).round(1).tolist()
        pairs = zip(values, took["plain"], strict=True)
        ratio = str(of_pairs([one / plain for one, plain in pairs]))
        lines.append({"search": kind, "p50 ms": p50, "p95 ms": p95, "ratio to plain": ratio})
    return lines


@click.command()
@click.argument("corpus", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--index", default=INDEX, show_default=True)
@click.option("--queries", default=100, show_default=True)
@click.option("--model", default="mini", show_default=True)
@cluster_options
def main(corpus: Path, index: str, queries: int, model: str, **cluster: Any) -> None:  # noqa: ANN401
    """Time highlights of the documents in CORPUS."""
    encoder = load_encoder(model, device="cpu")
    connection = cluster_connection(cluster)
    fill(connection, encoder, index, corpus)
    with SplareOpenSearch(list(connection.urls), encoder=encoder, timeout=60) as searching:
        texts = asked(corpus, queries)
        timed(searching, index, texts[:5])  # warm
        for line in told(timed(searching, index, texts)):
            click.echo(json.dumps(line))


if __name__ == "__main__":
    main()
