"""Which latents the first of two steps takes: postings read, and what of the ten best is found.

python -m benchmarks.two_step DATA --documents 100000 takes the impacts of all documents below DATA
(those that `splare-os evaluate` keeps), and as many more as are asked for, each the element-wise
maximum of two real ones; scores are calibrated, and exact in memory. Each way to choose is given
the 500 best of its first pass to score anew. Nothing is timed: it counts postings.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

import click
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from splare_os.cli.options import names, quieten_transformers
from splare_os.encode.load import load_encoder
from splare_os.encoder import own_prior
from splare_os.evaluate.datasets import read_dataset
from splare_os.impacts import Features, Impacts, prune, stack, stored, to_features
from splare_os.scoring import K1, B, Saturation, weighed
from splare_os.search.steps import worthwhile
from splare_os.statistics import Statistics

from .collection import Grown
from .results import folders_below
from .scoring import read_collection

DEPTH, WINDOW = 10, 500
HEAVIEST = (8, 12, 20)
SHARES = (0.15, 0.25, 0.35)

Choose: TypeAlias = Callable[[Features, NDArray[np.float64]], list[str]]
"""From a query's weights and the share of documents [latent]: latents of the first pass."""


def heaviest(top_k: int) -> Choose:
    """Return the choice of the `top_k` heaviest."""
    return lambda features, _: list(features)[:top_k]


def scores(weights: Features, documents: csc_array) -> NDArray[np.float32]:
    """Return the dot products [document] with a query's weights."""
    found = np.zeros(documents.shape[0], dtype=np.float32)
    for latent, weight in weights.items():
        rows = slice(*documents.indptr[int(latent) : int(latent) + 2])
        found[documents.indices[rows]] += np.float32(weight) * documents.data[rows]
    return found


def measured(
    queries: Sequence[Impacts], documents: csc_array, choose: Choose
) -> tuple[float, float]:
    """Return postings read a query and document, and the share of the exact ten best found."""
    df = np.diff(documents.indptr) / documents.shape[0]
    read, recall = list[float](), list[float]()
    for query in map(to_features, queries):
        exact, chosen = scores(query, documents), choose(query, df)
        first = scores({latent: query[latent] for latent in chosen}, documents)
        window = np.argsort(-first, kind="stable")[:WINDOW]
        found = window[np.argsort(-exact[window], kind="stable")[:DEPTH]]
        best = np.argsort(-exact, kind="stable")[:DEPTH]
        recall.append(len(set(found) & set(best)) / DEPTH)
        read.append(sum(float(df[int(latent)]) for latent in chosen))
    return float(np.mean(read)), float(np.mean(recall))


def table(queries: Sequence[Impacts], documents: csc_array) -> Iterator[str]:
    """Yield the lines of the table in docs/search.md."""
    ways = {"all": heaviest(documents.shape[1])}
    ways |= {f"the {n} heaviest": heaviest(n) for n in HEAVIEST}
    ways |= {
        f"by worth, {share:.0%} of the postings": partial(worthwhile, part=share)
        for share in SHARES
    }
    yield "| first pass | postings a query and document | recall@10 |"
    yield "|---|---|---|"
    for label, choose in ways.items():
        read, recall = measured(queries, documents, choose)
        yield f"| {label} | {read:.2f} | {recall:.3f} |"


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--documents", default=100_000, show_default=True, type=click.IntRange(min=1000))
@click.option("--model", default="mini", show_default=True)
@click.option("--sets", default="", callback=names, help="Only these data sets.")
@click.option("--queries", default=30, show_default=True, help="Queries, drawn of each set.")
def main(data: Path, documents: int, model: str, sets: Sequence[str], queries: int) -> None:
    """Print the table."""
    quieten_transformers()
    encoder, folders = load_encoder(model), folders_below(data)
    chosen = [read_dataset(folders[name], name, limit=1500) for name in sets or folders]
    read = [read_collection(encoder, one) for one in chosen]
    real = stack([one.documents for one in read])
    whole = Grown(real, documents, encoder.document_top_k).whole()
    prior = own_prior(encoder)
    known = Statistics.of(whole).with_prior(prior)
    mean_length = (prior or known).mean_length
    postings = csc_array(stored(Saturation(K1, B, mean_length).of(whole)))
    draw, asked = random.Random(0), []
    for one in read:
        weights = prune(weighed(one.queries, known.idf()), one.top_k)
        rows = draw.sample(range(weights.shape[0]), min(queries, weights.shape[0]))
        asked += [weights[[row]] for row in rows]
    click.echo(f"{real.shape[0]} real documents, grown to {documents}; {len(asked)} queries")
    for line in table(asked, postings):
        click.echo(line)


if __name__ == "__main__":
    main()
