"""Does a precision keep the ranking? nDCG@10 and top-10 overlap, exact scores in memory.

python benchmarks/precision.py FOLDER [--model mini] prints one JSON line: the data set's nDCG@10 in
float32 and bfloat16, the mean share of the ten best documents that both agree on, and how far the
impacts themselves agree.
"""

import json
from pathlib import Path

import click
import numpy as np

from splare_os.encode.load import load_encoder
from splare_os.evaluate.datasets import DataSet, read_corpus, read_dataset
from splare_os.evaluate.measures import means, measure
from splare_os.evaluate.runs import Run, without_own
from splare_os.impacts import Impacts, stored

PRECISIONS = ("float32", "bfloat16")
DEPTH = 101
"""One more than measures look at: a query that is itself a document is left out."""


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--model", default="mini", show_default=True)
@click.option("--device", default="cpu", show_default=True)
def main(folder: Path, model: str, device: str) -> None:
    """Compare bfloat16 with float32 on the data set in FOLDER, in BEIR form."""
    click.echo(json.dumps(compare(folder, model, device)))


def compare(folder: Path, model: str, device: str) -> dict[str, float | str]:
    """Return what the two precisions find, and how far they agree."""
    dataset = read_dataset(folder, folder.name)
    documents = list(read_corpus(dataset.corpus))
    names, runs, impacts = [d.id or "" for d in documents], {}, {}
    for dtype in PRECISIONS:
        encoder = load_encoder(model, device=device, dtype=dtype)
        impacts[dtype] = stored(encoder.encode_documents([d.text for d in documents]))
        queries = stored(encoder.encode_queries(list(dataset.queries.values())))
        runs[dtype] = _run(dataset, names, impacts[dtype], queries)
    exact, fast = (runs[dtype] for dtype in PRECISIONS)
    figures = {dtype: means(measure(dataset.qrels, runs[dtype]))["ndcg@10"] for dtype in PRECISIONS}
    return {
        "dataset": dataset.name,
        "model": model,
        **{f"ndcg@10 {dtype}": round(value, 4) for dtype, value in figures.items()},
        "top-10 overlap": round(_overlap(exact, fast), 4),
        **_agreement(impacts["float32"], impacts["bfloat16"]),
    }


def _run(dataset: DataSet, names: list[str], documents: Impacts, queries: Impacts) -> Run:
    run: Run = {}
    for row, query in enumerate(dataset.queries):
        scores = (documents @ queries[[row]].T).toarray()[:, 0]
        best = np.argsort(-scores, kind="stable")[:DEPTH]
        run[query] = {names[place]: float(scores[place]) for place in best if scores[place] > 0}
    return without_own(run, dataset.own)


def _overlap(one: Run, other: Run) -> float:
    shares = [len(set(list(one[query])[:10]) & set(list(other[query])[:10])) / 10 for query in one]
    return float(np.mean(shares))


def _agreement(exact: Impacts, fast: Impacts) -> dict[str, float]:
    """Return the share of latents that both have, and of their impacts within 1 %."""
    both = exact.multiply(fast != 0).tocsr()
    common = (exact != 0).multiply(fast != 0).sum()
    apart = abs(both - fast.multiply(exact != 0)) > 0.01 * both
    return {
        "latents in both": round(float(common / exact.nnz), 4),
        "impacts within 1 %": round(1 - float(apart.sum() / common), 4),
    }


if __name__ == "__main__":
    main()
