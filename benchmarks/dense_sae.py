"""Latents of a dense bi-encoder: what they find, and what steering does to its k-NN search.

python -m benchmarks.dense_sae DATA… takes folders in BEIR form, trains an SAE on the vectors of all
their documents, as an index would have them, and prints a line of JSON for each set: nDCG@10 of the
bi-encoder and of the latents alone, and the share of the first ten hits that show a latent, before
and after it is added to, or muted in, the vectors of the queries. Vectors are those that
`splare-os evaluate` keeps.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from splare_os.encode import DenseEncoder
from splare_os.encode.quiet import quieten_transformers
from splare_os.evaluate.datasets import DataSet, corpus_ids, names, read_corpus, read_dataset
from splare_os.evaluate.dense import embedded, load_dense, store_key
from splare_os.evaluate.measures import means, measure
from splare_os.evaluate.msearch import batched
from splare_os.evaluate.store import CHUNK_DOCUMENTS, opened_store
from splare_os.impacts import Impacts
from splare_os.steering import Steering
from splare_os.train.sae import SaeOptions, train_dense_sae

DEPTH, SHOWN = 100, 10
WEIGHTS = (1, 2, 4)
MUTED, ADDED = 3, 20
"""Heaviest latents of a query that are muted, and latents that are added to each query, in turn."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Searched:
    """A data set, its documents' vectors and its queries'."""

    data: DataSet
    documents: Vectors
    queries: Vectors

    def ndcg(self, scores: NDArray[np.float32]) -> float:
        """Return mean nDCG@10 of scores [query, document]."""
        ids, run = corpus_ids(self.data), {}
        for query, row in zip(self.data.queries, scores, strict=True):
            best = [place for place in np.argsort(-row, kind="stable")[:DEPTH] if row[place] > 0]
            run[query] = {ids[place]: float(row[place]) for place in best}
        return round(means(measure(self.data.qrels, run))["ndcg@10"], 4)

    def share(self, vectors: Vectors, shows: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return which share [query] of the first hits of vectors shows a latent, by k-NN."""
        first = np.argsort(-(vectors @ self.documents.T), axis=1, kind="stable")[:, :SHOWN]
        share: NDArray[np.float64] = shows[first].mean(axis=1)
        return share


def read(dense: SentenceTransformer, folder: Path, name: str) -> Searched:
    """Return a data set with its vectors, from what is kept if it is there."""
    data = read_dataset(folder, name)
    with opened_store(*store_key(dense, data)) as store:
        parts = [
            store.chunk(number, partial(embedded, dense, documents))["vectors"]
            for number, documents in enumerate(batched(read_corpus(data.corpus), CHUNK_DOCUMENTS))
        ]
    queries = dense.encode_query(list(data.queries.values()), show_progress_bar=False)
    return Searched(data, np.concatenate(parts), queries)


def figures(one: Searched, encoder: DenseEncoder, rng: np.random.Generator) -> dict[str, object]:
    """Return what the latents find on a data set, and how far steering moves its k-NN search."""
    documents, queries = encoder.impacts_of(one.documents), encoder.impacts_of(one.queries)
    frequency = np.bincount(documents.indices, minlength=documents.shape[1]) / documents.shape[0]
    some = np.flatnonzero((frequency > 0.02) & (frequency < 0.2))
    added = rng.choice(some, min(ADDED, len(some)), replace=False).tolist()
    return {
        "dataset": one.data.name,
        "ndcg@10": {
            "dense": one.ndcg(one.queries @ one.documents.T),
            "latents": one.ndcg((queries @ documents.T).toarray()),
        },
        "latents_a_text": round(documents.nnz / documents.shape[0], 1),
        "added": {
            weight: _mean([_moved(one, encoder, documents, n, f"+{n}={weight}") for n in added])
            for weight in WEIGHTS
        },
        "muted": _mean(_muted(one, encoder, documents, queries)),
    }


def _moved(
    one: Searched, encoder: DenseEncoder, documents: Impacts, latent: int, line: str
) -> tuple[float, float]:
    shows = documents[:, [latent]].toarray()[:, 0] > 0
    steered = encoder.steered(one.queries, Steering.read(line))
    return float(one.share(one.queries, shows).mean()), float(one.share(steered, shows).mean())


def _muted(
    one: Searched, encoder: DenseEncoder, documents: Impacts, queries: Impacts
) -> list[tuple[float, float]]:
    """Return the shares before and after, for each of the heaviest latents of each query."""
    pairs = []
    for row in range(queries.shape[0]):
        own = Searched(one.data, one.documents, one.queries[[row]])
        weights = queries[[row]].toarray()[0]
        for latent in np.argsort(-weights)[:MUTED].tolist():
            pairs.append(_moved(own, encoder, documents, latent, f"-{latent}"))
    return pairs


def _mean(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    before, after = np.mean(pairs, axis=0)
    return {"before": round(float(before), 3), "after": round(float(after), 3)}


@click.command()
@click.argument("data", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--dense-model", help="Folder or hub id of a bi-encoder; all-MiniLM-L6-v2 if absent.")
@click.option("--width", default=1024, show_default=True, help="Number of latents.")
@click.option("--k", default=32, show_default=True, help="Active latents a text, in the mean.")
@click.option("--vectors", "n_vectors", default=400_000, show_default=True, help="Vectors seen.")
@click.option("--seed", default=0, show_default=True)
def main(
    data: Sequence[Path], dense_model: str | None, width: int, k: int, n_vectors: int, seed: int
) -> None:
    """Train an SAE on the vectors of the data sets in DATA, and measure it on each of them."""
    quieten_transformers()
    dense = load_dense(dense_model)
    found = [read(dense, folder, name) for folder, name in zip(data, names(data), strict=True)]
    vectors = np.concatenate([one.documents for one in found])
    chosen = {"width": width, "k": k, "n_tokens": n_vectors, "batch_tokens": 512, "seed": seed}
    encoder = train_dense_sae(dense, vectors, name="benchmark", options=SaeOptions(**chosen))
    for one in found:
        row = figures(one, encoder, np.random.default_rng(seed))
        click.echo(json.dumps(row | {"vectors": len(vectors)} | chosen))


if __name__ == "__main__":
    main()
