"""What our client adds to a search, beside encoding: one whose query it has met before, in pairs.

python -m benchmarks.overhead CORPUS [--index NAME] fills an index with a file of documents unless
there is one, and asks it the beginnings of its documents: as text through `SplareOpenSearch`, and
through opensearch-py the very body that this sends, in turn. It prints a JSON line for each: p50
and p95 of the wall in milliseconds; and the median of the differences, with its 95 % interval.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from opensearchpy import OpenSearch

from splare_os.cli.options import cluster_connection, cluster_options
from splare_os.connection import open_client
from splare_os.encode.load import load_encoder
from splare_os.encode.quiet import quieten_transformers
from splare_os.search import SplareOpenSearch
from splare_os.search.query.query import Dsl

from .highlight import INDEX, asked, fill
from .pairs import of_pairs, seconds

WAYS = ("opensearch-py", "SplareOpenSearch")
PAGE = {"size": 10, "_source": False, "track_total_hits": False}


def splare(query: str) -> Dsl:
    """Return the body that an application sends."""
    return {**PAGE, "query": {"splare": {"text": query}}}


def sent(ours: SplareOpenSearch, index: str, query: str) -> Dsl:
    """Return the body that our client sends for it."""
    body: Dsl = ours.transport.rewriter.rewrite(f"/{index}/_search", {}, splare(query)).body
    return body


def timed(
    ours: SplareOpenSearch, theirs: OpenSearch, index: str, queries: Sequence[str]
) -> dict[str, list[float]]:
    """Return the milliseconds of both ways, by query; they begin in turn."""
    searches = {
        query: {
            "opensearch-py": partial(theirs.search, body=sent(ours, index, query)),
            "SplareOpenSearch": partial(ours.search, body=splare(query)),
        }
        for query in queries
    }
    params = {"filter_path": "took"}
    took: dict[str, list[float]] = {way: [] for way in WAYS}
    for number, query in enumerate(queries):
        for way in WAYS[:: -1 if number % 2 else 1]:
            search = partial(searches[query][way], index=index, params=params)
            took[way].append(1000 * seconds(search))
    return took


def told(took: Mapping[str, Sequence[float]]) -> list[dict[str, object]]:
    """Return a line for each way, and one for what ours adds."""
    lines: list[dict[str, object]] = []
    for way, values in took.items():
        p50, p95 = np.percentile(values, [50, 95]).round(2).tolist()
        lines.append({"search": way, "p50 ms": p50, "p95 ms": p95})
    theirs, ours = took.values()
    added = of_pairs([one - other for one, other in zip(ours, theirs, strict=True)])
    return [*lines, {"search": "what ours adds", "ms": str(added)}]


@click.command()
@click.argument("corpus", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--index", default=INDEX, show_default=True)
@click.option("--queries", default=200, show_default=True)
@click.option("--model", default="mini", show_default=True)
@cluster_options
def main(corpus: Path, index: str, queries: int, model: str, **cluster: Any) -> None:  # noqa: ANN401
    """Time searches of the documents in CORPUS."""
    quieten_transformers()
    encoder, connection = load_encoder(model, device="cpu"), cluster_connection(cluster)
    fill(connection, encoder, index, corpus)
    texts = asked(corpus, queries)
    with (
        closing(open_client(connection)) as theirs,
        SplareOpenSearch(list(connection.urls), encoder=encoder, timeout=60) as ours,
    ):
        timed(ours, theirs, index, texts)  # warm
        for line in told(timed(ours, theirs, index, texts)):
            click.echo(json.dumps(line))


if __name__ == "__main__":
    main()
