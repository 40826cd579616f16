"""How α, k1 and b of calibrated scores are chosen: whole data sets left out, one after another.

python -m benchmarks.scoring DATA --model mini --page docs/scoring.md --plot docs/scoring.svg takes
every folder in BEIR form below DATA, scores all documents exactly for each combination, and writes
the tables between the marks of the page, and the surface. Impacts are those that `splare-os
evaluate` keeps: what is encoded already is not encoded again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import click
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from splare_os.encode.load import load_encoder
from splare_os.encode.quiet import quieten_transformers
from splare_os.encoder import Encoder, own_prior
from splare_os.evaluate.datasets import DataSet, Qrels, corpus_ids, read_dataset
from splare_os.evaluate.encoded import EncodedCorpus, store_key
from splare_os.evaluate.store import opened_store
from splare_os.impacts import Impacts, prune, stack, stored
from splare_os.scoring import ALPHA, K1, B, Saturation, weighed
from splare_os.search.weigh.queries import encoded
from splare_os.statistics import Statistics

from .data_sets import page_options
from .results import folders_below
from .scoring_page import Choice, Cost, Grid, plot, write_page

ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0)
K1S = (0.5, 0.7, 1.0, 2.0, 4.0)
BS = (0.0, 0.2, 0.4, 0.6, 0.8)
DOT: Choice = (0.0, np.inf, 0.0)
DEPTH, BLOCK = 10, 256
LENGTHS = (0.5, 0.7, 1.0, 1.4, 2.0)
"""Times the model's mean length, which the formula takes instead."""

CUTS = ((40, "impact"), (40, "weight"), (30, "weight"), (20, "weight"))
COMMON = (1.0, 0.2, 0.1)

Scores: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Collection:
    """One data set: impacts of its documents and of its queries before they are cut."""

    name: str
    documents: Impacts
    queries: Impacts
    top_k: int
    ids: Sequence[str]
    data: DataSet
    prior: Statistics | None

    @property
    def statistics(self) -> Statistics:
        """The documents' own statistics, and the model's prior."""
        return Statistics.of(self.documents).with_prior(self.prior)

    @property
    def mean_length(self) -> float:
        """The length that counts as usual: that of the model, not of this collection."""
        return (self.prior or Statistics.of(self.documents)).mean_length


def read_collection(encoder: Encoder, data: DataSet) -> Collection:
    """Return a data set encoded, from what is kept if it is there."""
    with opened_store(*store_key(encoder, data)) as store:
        documents = stack(list(EncodedCorpus(encoder, data, store).chunks()))
    queries = encoded(encoder, list(data.queries.values()))
    top_k = queries.top_k or encoder.n_latents
    whole = documents, queries.impacts, top_k
    return Collection(data.name, *whole, corpus_ids(data), data, own_prior(encoder))


def grid(one: Collection) -> Iterator[tuple[Choice, float]]:
    """Yield mean nDCG@10 for the dot product, and for each combination of α, k1 and b."""
    yield DOT, ndcg(one, prune(one.queries, one.top_k), one.documents)
    idf = one.statistics.idf()
    weights = {alpha: prune(weighed(one.queries, idf, alpha=alpha), one.top_k) for alpha in ALPHAS}
    for k1 in K1S:
        for b in BS:
            documents = Saturation(k1, b, one.mean_length).of(one.documents)
            for alpha, queries in weights.items():
                yield (alpha, k1, b), ndcg(one, queries, documents)


def costs(one: Collection) -> Iterator[tuple[str, Cost]]:
    """Yield postings a query and document, and nDCG@10, for each way to cut a query's latents."""
    known, documents = one.statistics, Saturation(K1, B, one.mean_length).of(one.documents)
    shares = np.bincount(one.documents.indices, minlength=one.documents.shape[1])
    shares = shares / one.documents.shape[0]
    calibrated = weighed(one.queries, known.idf())
    for top_k, by in CUTS:
        chosen = prune(one.queries, top_k) if by == "impact" else calibrated
        queries = weighed(chosen, known.idf()) if by == "impact" else prune(calibrated, top_k)
        yield f"{top_k} by {by}", _cost(one, queries, documents, shares)
    for most in COMMON[1:]:
        rare = _without(calibrated, shares > most)
        label = f"{one.top_k} by weight, none in more than {most:.0%} of documents"
        yield label, _cost(one, prune(rare, one.top_k), documents, shares)


def lengths(one: Collection) -> Iterator[tuple[str, float]]:
    """Yield nDCG@10 for other mean lengths: times the model's, and the collection's own."""
    queries = prune(weighed(one.queries, one.statistics.idf()), one.top_k)
    taken = {f"{times:g} × the model's": times * one.mean_length for times in LENGTHS}
    for label, mean in (
        taken | {"the collection's": Statistics.of(one.documents).mean_length}
    ).items():
        yield label, ndcg(one, queries, Saturation(K1, B, mean).of(one.documents))


def _cost(
    one: Collection, queries: Impacts, documents: Impacts, shares: NDArray[np.float64]
) -> Cost:
    mass = float(shares[queries.indices].sum()) / max(1, queries.shape[0])
    return mass, ndcg(one, queries, documents)


def _without(impacts: Impacts, is_left_out: NDArray[np.bool_]) -> Impacts:
    kept = ~is_left_out[impacts.indices]
    lengths = np.add.reduceat(np.append(kept, False), impacts.indptr[:-1]) * (
        np.diff(impacts.indptr) > 0
    )
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return csr_array((impacts.data[kept], impacts.indices[kept], starts), shape=impacts.shape)


def ndcg(one: Collection, queries: Impacts, documents: Impacts) -> float:
    """Return mean nDCG@10 with linear gains over the judged queries."""
    return float(np.mean(list(by_query(one, queries, documents).values())))


def by_query(one: Collection, queries: Impacts, documents: Impacts) -> dict[str, float]:
    """Return nDCG@10 with linear gains of each judged query."""
    columns, found = stored(documents).T.tocsr(), {}
    place = {name: number for number, name in enumerate(one.ids)}
    asked = list(one.data.queries)
    for first in range(0, len(asked), BLOCK):
        scores = (queries[first : first + BLOCK] @ columns).toarray()
        for query, row in zip(asked[first : first + BLOCK], scores, strict=True):
            if query in one.data.own and query in place:
                row[place[query]] = 0
            if query in one.data.qrels:
                found[query] = _ndcg(row, one.ids, one.data.qrels, query)
    return found


def _ndcg(scores: Scores, ids: Sequence[str], qrels: Qrels, query: str) -> float:
    judged = qrels[query]
    best = np.argpartition(-scores, min(DEPTH, len(scores) - 1))[:DEPTH]
    best = best[np.lexsort((best, -scores[best]))]
    found = [max(judged.get(ids[at], 0), 0) if scores[at] > 0 else 0 for at in best]
    ideal = sorted((max(grade, 0) for grade in judged.values()), reverse=True)[:DEPTH]
    discounts = 1 / np.log2(np.arange(2, DEPTH + 2))
    gain = float(np.dot(found, discounts[: len(found)]))
    return gain / float(np.dot(ideal, discounts[: len(ideal)])) if any(ideal) else 0.0


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@page_options(queries=1500)
def main(
    data: Path,
    model: str,
    sets: Sequence[str],
    queries: int,
    page: Path | None,
    picture: Path | None,
) -> None:
    """Choose α, k1 and b on the data sets below DATA."""
    quieten_transformers()
    encoder, found = load_encoder(model), folders_below(data)
    grids: dict[str, Grid] = {}
    cuts: dict[str, Mapping[str, Cost]] = {}
    means: dict[str, Mapping[str, float]] = {}
    for name in sets or found:
        one = read_collection(encoder, read_dataset(found[name], name, limit=queries))
        grids[name], cuts[name] = dict(grid(one)), dict(costs(one))
        means[name] = dict(lengths(one))
        click.echo(f"{name} {grids[name][DOT]:.4f} {grids[name][ALPHA, K1, B]:.4f}", err=True)
    if page is not None:
        write_page(page, grids, cuts, means, dot=DOT, default=(ALPHA, K1, B))
    if picture is not None:
        plot(picture, grids, DOT)


if __name__ == "__main__":
    main()
