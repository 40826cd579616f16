"""What rules do to rankings: nDCG@10 of BM25, rescored by weight, and fused.

python -m benchmarks.rules FOLDER… prints a table of data sets in BEIR form, in memory: BM25 with
English stemming (k1 1.2, b 0.75), mini's calibrated scores. Impacts are those that `splare-os
evaluate` keeps. Extra: train.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import bm25s
import click
import numpy as np
import Stemmer
from numpy.typing import NDArray

from splare_os.encode.load import load_encoder
from splare_os.encode.quiet import quieten_transformers
from splare_os.encoder import Encoder
from splare_os.evaluate.datasets import read_corpus, read_dataset
from splare_os.evaluate.measures import means, measure
from splare_os.impacts import prune, stored
from splare_os.scoring import K1, B, Saturation, weighed
from splare_os.search.rules.second import fused_hits

from .scoring import Collection, read_collection

WEIGHTS = (0.25, 0.5, 1.0, 2.0, 4.0)
WINDOW, DEPTH = 100, 10

Scores = NDArray[np.float32]


def by_words(one: Collection) -> Scores:
    """Return BM25's scores [query, document]."""
    stemmer = Stemmer.Stemmer("english")
    texts = [str(document.text) for document in read_corpus(one.data.corpus)]
    words = bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    index.index(words, show_progress=False)
    asked = bm25s.tokenize(
        list(one.data.queries.values()),
        stopwords="en",
        stemmer=stemmer,
        return_ids=False,
        show_progress=False,
    )
    none = np.zeros(len(texts), np.float32)
    return np.array([index.get_scores(words) if words else none for words in asked])


def by_latents(one: Collection) -> Scores:
    """Return SPLARE's calibrated scores [query, document]."""
    documents = Saturation(K1, B, one.mean_length).of(one.documents)
    queries = prune(weighed(one.queries, one.statistics.idf()), one.top_k)
    return (queries @ stored(documents).T).toarray()


def best(scores: NDArray[np.float32], window: int) -> NDArray[np.int64]:
    """Return the `window` best documents of a query, of those that are found."""
    order = np.argsort(-scores, kind="stable")[:window]
    return order[scores[order] > 0]


def rescored(words: Scores, latents: Scores, weight: float) -> Iterator[list[int]]:
    """Yield the documents of each query as a rescore orders them."""
    for ours, theirs in zip(words, latents, strict=True):
        window = best(ours, WINDOW)
        scores = ours[window] + weight * theirs[window]
        yield list(window[np.argsort(-scores, kind="stable")])


def fused(words: Scores, latents: Scores) -> Iterator[list[int]]:
    """Yield the documents of each query as `hybrid` mode orders them."""
    for pair in zip(words, latents, strict=True):
        ours, theirs = ([{"_id": int(n)} for n in best(scores, WINDOW)] for scores in pair)
        yield [hit["_id"] for hit in fused_hits(ours, theirs, window=WINDOW)]


def ndcg(one: Collection, rankings: Iterator[list[int]]) -> float:
    """Return mean nDCG@10; a query that is a document is no answer to itself."""
    run = {}
    for query, ranking in zip(one.data.queries, rankings, strict=True):
        names = [
            one.ids[n] for n in ranking if one.ids[n] not in one.data.own or one.ids[n] != query
        ]
        run[query] = {name: -float(rank) for rank, name in enumerate(names[:DEPTH])}
    return means(measure(one.data.qrels, run))["ndcg@10"]


def row(encoder: Encoder, folder: Path, most_queries: int) -> list[str]:
    """Return the cells of a data set."""
    one = read_collection(encoder, read_dataset(folder, folder.name, limit=most_queries))
    words, latents = by_words(one), by_latents(one)
    figures = [ndcg(one, (list(best(scores, DEPTH + 1)) for scores in words))]
    figures += [ndcg(one, rescored(words, latents, weight)) for weight in WEIGHTS]
    figures += [ndcg(one, fused(words, latents))]
    figures += [ndcg(one, (list(best(scores, DEPTH + 1)) for scores in latents))]
    return [one.name, *(f"{figure:.4f}" for figure in figures)]


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--queries", "most_queries", default=300, show_default=True)
def main(folders: Sequence[Path], most_queries: int) -> None:
    """Print a line of the table for each of FOLDERS."""
    quieten_transformers()
    encoder = load_encoder("mini")
    weights = [f"rescore {weight:g}" for weight in WEIGHTS]
    print("|", " | ".join(["data set", "BM25", *weights, "hybrid", "mini alone"]), "|")
    print("|---" * (len(weights) + 4) + "|")
    for folder in folders:
        print("|", " | ".join(row(encoder, folder, most_queries)), "|", flush=True)


if __name__ == "__main__":
    main()
