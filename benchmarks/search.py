"""How fast up to millions of documents are searched, and what is lost where it is faster.

splare-os encode --out ENCODED FILE…
python -m benchmarks.search ENCODED DATA --documents 100000,300000,2000000 --out FIGURES.jsonl

ENCODED are real documents whose ids are NAME/ID for those of the data set NAME below DATA, which
gives queries and judgements. A size above their number has the first --base of them, and documents
that are each the element-wise maximum of the impacts of two of these. Each size has an index of one
shard, which stays for the next run; it is searched as it was merged by default, and with --merge as
one segment too. All ways take turns on every query.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import click
import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch, RequestError

from splare_os.cli.options import cluster_connection, cluster_options
from splare_os.connection import open_client
from splare_os.documents.fields import Fields
from splare_os.encode.load import load_encoder
from splare_os.encode.quiet import quieten_transformers
from splare_os.impacts import Impacts, stored, to_features
from splare_os.layout.records import FoundImpacts, find_impacts
from splare_os.scoring import Saturation
from splare_os.search import SplareOpenSearch, translate, two_step
from splare_os.search.query.query import Dsl
from splare_os.search.weigh.collection import Collection
from splare_os.search.weigh.queries import encoded
from splare_os.search.weigh.weighing import Weighing, weighing

from .collection import Grown, Ready, fill
from .figures import EXACT, Figures, figures
from .in_memory import Exhaustive, Seismic
from .real import Documents, Judged, read_judged, read_real
from .search_page import ONE_SEGMENT
from .timing import Found, timed

PREFIX = "splare-bench-"
SIZE = 10
IN_FLIGHT = 20_000
"""Documents at the end of an interrupted run that are looked at again."""

WINDOWS = (100, 2000)
"""Hits scored anew, beside the default of 500."""

PARTS = (0.1, 0.15, 0.4, 0.6)
"""Shares of a query's postings that first passes read, beside the default."""

BODY = {
    "settings": {"index.number_of_shards": 1, "index.number_of_replicas": 0},
    "mappings": {"properties": {"body": {"type": "text", "analyzer": "english"}}},
}
PAGE = {"size": SIZE, "_source": False, "track_total_hits": False}
PARAMS = {"filter_path": "took,hits.hits._id", "request_timeout": 600}

Way: TypeAlias = Callable[[str], Found]
"""A way to search, by the id of a query."""

Make: TypeAlias = Callable[[str], Dsl]
"""What is sent to the cluster for a query, by its id."""


@dataclass(frozen=True)
class Asked:
    """What is asked of an index: texts and weights of queries, postings [latent] a document."""

    texts: Mapping[str, str]
    weights: Mapping[str, Impacts]
    weighing: Weighing
    there: FoundImpacts
    postings: NDArray[np.float64]

    @property
    def field(self) -> str:
        """The field that is searched."""
        return f"{self.there.name}.impacts"

    @property
    def saturation(self) -> Saturation:
        """What the index has put impacts through."""
        (record,) = self.there.records.values()
        assert record.saturation is not None
        return record.saturation

    def mean_read(self, make: Make) -> float | None:
        """Return how many postings of latents the first query of a body reads a document.

        None for a body that is not made of `rank_feature` clauses.
        """
        queries = [make(query)["query"] for query in self.texts]
        if any("bool" not in query for query in queries):
            return None
        return float(np.mean([self._read(query["bool"]["should"]) for query in queries]))

    def _read(self, clauses: Sequence[Dsl]) -> float:
        latents = [int(one["rank_feature"]["field"].rpartition(".")[2]) for one in clauses]
        return float(self.postings[latents].sum())


def read_asked(
    client: OpenSearch, encoder: Ready, index: str, judged: Judged, impacts: Grown
) -> Asked:
    """Return the queries as they are weighed in the index."""
    there = find_impacts(client, index, Fields(), encoder)
    known = partial(Collection(client).known, there.records, there.name, encoder)
    weigh = weighing(there.records, "calibrated", known)
    weights = {
        query: weigh.weights(encoded(encoder, [text])) for query, text in judged.queries.items()
    }
    counts = [np.bincount(some.indices, minlength=encoder.n_latents) for some in impacts.blocks()]
    postings = np.sum(counts, axis=0) / impacts.shape[0]
    return Asked(judged.queries, weights, weigh, there, postings)


def kinds_of(asked: Asked, *, has_words: bool) -> dict[str, Make]:
    """Return the ways that are a request to the cluster: name to what is sent for a query."""

    def two(query: str, **options: Any) -> Dsl:  # noqa: ANN401  # of two_step
        shares = asked.weighing.shares
        return two_step(asked.weights[query], asked.field, shares=shares, **options)

    def exact(query: str, **options: Any) -> Dsl:  # noqa: ANN401  # of translate
        return {"query": translate(asked.weights[query], asked.field, **options)}

    kinds: dict[str, Make] = {
        EXACT: exact,
        "exact, neural_sparse": partial(exact, dialect="neural_sparse"),
        "two steps": two,
    }
    kinds |= {f"two steps, {part:.0%} of postings": partial(two, part=part) for part in PARTS}
    kinds |= {f"two steps, window {size}": partial(two, window=size) for size in WINDOWS}
    if has_words:
        kinds["BM25"] = lambda query: {"query": {"match": {"body": asked.texts[query]}}}
    return kinds


def in_cluster(
    client: OpenSearch, index: str, asked: Asked, kinds: Mapping[str, Make]
) -> dict[str, Way]:
    """Return the ways that the cluster takes: without neural-search one is not among them."""
    ways: dict[str, Way] = {}
    for name, make in kinds.items():
        made = {query: PAGE | make(query) for query in asked.texts}
        way = partial(send, client, index, made)
        try:
            way(next(iter(made)))
        except RequestError as error:
            click.echo(f"{name}: left out, the cluster refuses it: {str(error)[:200]}", err=True)
        else:
            ways[name] = way
    return ways


def send(client: OpenSearch, index: str, made: Mapping[str, Dsl], query: str) -> Found:
    """Send the body that was made for a query."""
    reply = client.search(index=index, body=made[query], params=PARAMS)
    hits = reply.get("hits", {}).get("hits", [])
    return Found(reply["took"], tuple(hit["_id"] for hit in hits))


def through_client(ours: SplareOpenSearch, index: str, asked: Asked, query: str) -> Found:
    """Send the text, as an application does; the client has encoded it before."""
    return send(
        ours, index, {query: PAGE | {"query": {"splare": {"text": asked.texts[query]}}}}, query
    )


def in_memory(asked: Asked, documents: Documents, most: int) -> dict[str, Way]:
    """Return the ways without a search engine, over impacts as the index has them."""
    features = {query: to_features(weights) for query, weights in asked.weights.items()}
    impacts, names = stored(asked.saturation.of(documents.impacts.whole())), documents.ids
    exhaustive = Exhaustive(impacts)
    ways: dict[str, Way] = {
        "every posting, numpy": lambda query: exhaustive.search(features[query], names, SIZE)
    }
    if len(names) <= most:
        seismic = Seismic(impacts, names)
        ways["Seismic, in memory"] = lambda query: seismic.search(features[query], SIZE)
    return ways


@dataclass(frozen=True)
class Bench:
    """An index of one collection, and how it is searched."""

    client: OpenSearch
    encoder: Ready
    documents: Documents
    judged: Judged

    @property
    def index(self) -> str:
        """The index's name."""
        return f"{PREFIX}{len(self.documents.ids)}"

    def fill(self) -> None:
        """Index the documents that are not there yet."""
        if not self.client.indices.exists(index=self.index):
            self.client.indices.create(index=self.index, body=BODY)
        self.client.indices.refresh(index=self.index)
        n_there = self.client.count(index=self.index)["count"]
        if n_there < len(self.documents.ids):
            rows = self.documents.rows(max(0, n_there - IN_FLIGHT))
            rate = fill(self.client, self.encoder, self.index, rows, bulk_load=True)
            click.echo(f"{self.index}: {rate:.0f} documents a second", err=True)

    def search(self, url: str, state: str, rounds: int, most_in_memory: int) -> list[Figures]:
        """Return the figures of each way."""
        client, documents, index = self.client, self.documents, self.index
        asked = read_asked(client, self.encoder, index, self.judged, documents.impacts)
        kinds = kinds_of(asked, has_words=len(documents.texts) == len(documents.ids))
        ways = in_cluster(client, index, asked, kinds) | in_memory(asked, documents, most_in_memory)
        with SplareOpenSearch(url, encoder=self.encoder, timeout=600) as ours:
            ways["exact, our client"] = partial(through_client, ours, index, asked)
            list(timed(ways, asked.texts, 1))  # warm
            found = list(timed(ways, asked.texts, rounds))
        read = {name: asked.mean_read(make) for name, make in kinds.items() if name in ways}
        return figures(found, self.judged.qrels, read, (len(documents.ids), state))

    def merge(self) -> None:
        """Make one segment of the index."""
        params = {"max_num_segments": 1, "request_timeout": 7200}
        self.client.indices.forcemerge(index=self.index, params=params)
        self.client.indices.refresh(index=self.index)

    def segments(self) -> str:
        """Return how many segments the index has."""
        found = self.client.indices.stats(index=self.index, metric="segments")
        return f"{found['_all']['primaries']['segments']['count']} segments"


def sizes(context: object, parameter: object, value: str) -> list[int]:  # noqa: ARG001  # click's
    """Return the numbers of a list by comma, in order."""
    try:
        return sorted({int(one) for one in value.split(",")})
    except ValueError as error:
        raise click.BadParameter("give numbers of documents by comma") from error


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--documents", default="100000,300000", show_default=True, callback=sizes)
@click.option("--base", default=100_000, show_default=True, help="Real ones that others are of.")
@click.option("--model", default="mini", show_default=True)
@click.option("--queries", default=200, show_default=True, help="As many of each data set.")
@click.option("--rounds", default=3, show_default=True, help="Times that each is asked.")
@click.option("--in-memory", default=300_000, show_default=True, help="Documents for Seismic.")
@click.option("--merge", is_flag=True, help="Search each as one segment too.")
@click.option("--fill", is_flag=True, help="Make the indices, and search nothing.")
@click.option("--out", type=click.File("a"), default="-", help="JSON Lines of the figures.")
@cluster_options
def main(folder: Path, data: Path, model: str, documents: list[int], **options: Any) -> None:  # noqa: ANN401
    """Search in all ways, at each size."""
    quieten_transformers()
    encoder = load_encoder(model)
    real = read_real(folder, encoder.n_latents)
    judged = read_judged(data, real, options["queries"])
    connection = cluster_connection(options)
    rounds, most, out = options["rounds"], options["in_memory"], options["out"]
    with closing(open_client(connection)) as client:
        for size in documents:
            chosen = real.of_size(size, options["base"], encoder.document_top_k)
            bench = Bench(client, Ready(encoder, chosen.impacts), chosen, judged)
            bench.fill()
            if options["fill"]:
                continue
            for line in bench.search(connection.urls[0], bench.segments(), rounds, most):
                out.write(json.dumps(line) + "\n")
            if options["merge"]:
                bench.merge()
                for line in bench.search(connection.urls[0], ONE_SEGMENT, rounds, most):
                    out.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
