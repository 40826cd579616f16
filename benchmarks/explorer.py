"""How long the explorer's page waits: for hits, for reasons, and while a latent is dragged.

    python -m benchmarks.explorer --url http://localhost:9200 --index splare-demo

Queries are beginnings of documents drawn at random, each asked by a page that remembers nothing of
those before. Times are those of the server, without a browser.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click
import numpy as np
from opensearchpy import OpenSearch

from splare_os.encode import load_encoder
from splare_os.explore import InTurns, NotingTransport, Place
from splare_os.explore.messages import Explaining, Searching
from splare_os.explore.searching import explain_hits, search_systems

WORDS = 8
WARM_UP = 5
FIRST = 5
"""Documents whose places the page asks for at first."""


@click.command()
@click.option("--url", required=True)
@click.option("--index", default="splare-demo", show_default=True)
@click.option("--model", default="mini", show_default=True)
@click.option("--queries", default=60, show_default=True)
def main(url: str, index: str, model: str, queries: int) -> None:
    """Print medians and 95th percentiles in milliseconds, a line of JSON each."""
    encoder = load_encoder(model)
    with OpenSearch(url, transport_class=NotingTransport, timeout=60) as client:

        def opened() -> Place:
            return Place.find(client, InTurns(encoder), index, text_field=None, address=url)

        place = opened()
        documents = place.about()["documents"]
        times: dict[str, list[float]] = {}
        asked = _queries(place, 2 * queries + WARM_UP)
        for at, query in enumerate(asked):
            measured = _one_ranking if at >= queries + WARM_UP else _measured
            for name, ms in measured(opened(), query).items():
                if at >= WARM_UP:
                    times.setdefault(name, []).append(ms)
    for name, found in times.items():
        p50, p95 = np.percentile(found, [50, 95]).round(1).tolist()
        told = {"index": index, "documents": documents, "queries": queries}
        click.echo(json.dumps(told | {"what": name, "p50_ms": p50, "p95_ms": p95}))


def _queries(place: Place, n_queries: int) -> list[str]:
    """Return beginnings of documents, drawn at random."""
    drawn = {"function_score": {"query": {"match_all": {}}, "random_score": {"seed": 0}}}
    drawn["function_score"]["random_score"]["field"] = "_seq_no"
    body = {"query": drawn, "size": n_queries, "_source": [place.text_field]}
    hits = place.client.search(index=place.index, body=body)["hits"]["hits"]
    return [" ".join(hit["_source"][place.text_field].split()[:WORDS]) for hit in hits]


def _measured(place: Place, query: str) -> dict[str, float]:
    found: dict[str, float] = {}

    def timed(name: str, does: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        start = time.perf_counter()
        result = does()
        found[name] = 1000 * (time.perf_counter() - start)
        return result

    asked = Searching(query=query)
    hits = timed("search", lambda: search_systems(place, asked))
    columns = {name: [hit["id"] for hit in one["hits"]] for name, one in hits["columns"].items()}
    ids, shown = in_turns(columns.values()), in_turns([columns["latents"], columns["hybrid"]])
    turns = {"shares": ids, "first places": shown[:FIRST], "other places": shown[FIRST:]}
    for name, part in turns.items():
        why = Explaining(query=query, ids=part, places=name != "shares")
        timed(name, lambda why=why: explain_hits(place, why))
    found["search and shares"] = found["search"] + found["shares"]
    found["search, shares and first places"] = found["search and shares"] + found["first places"]
    found["search, shares and all places"] = sum(map(found.__getitem__, ("search", *turns)))
    heaviest = hits["latents"][0]["latent"]
    steered = Searching(query=query, steer=f"{heaviest}=2")
    timed("search, steered", lambda: search_systems(place, steered))
    dragged = Explaining(query=query, steer=steered.steer, ids=shown)
    timed("reasons, steered", lambda: explain_hits(place, dragged))
    found["documents explained"] = float(len(ids))
    found["documents with places"] = float(len(shown))
    return found


def _one_ranking(place: Place, query: str) -> dict[str, float]:
    """Return what latents alone take, with the reasons of all ten hits."""
    start = time.perf_counter()
    found = search_systems(place, Searching(query=query, systems=["latents"]))
    ids = [hit["id"] for hit in found["columns"]["latents"]["hits"]]
    explain_hits(place, Explaining(query=query, ids=ids))
    return {"one ranking and its reasons": 1000 * (time.perf_counter() - start)}


def in_turns(columns: Iterable[Sequence[str]]) -> list[str]:
    """Return the ids of some rankings, the best of each first: the order in which the page asks."""
    ranks: dict[str, int] = {}
    for column in columns:
        for at, name in enumerate(column):
            ranks[name] = min(at, ranks.get(name, at))
    return sorted(ranks, key=ranks.__getitem__)


if __name__ == "__main__":
    main()
