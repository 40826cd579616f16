"""Where a sparse model loses what a dense retriever has: cause by cause, and by length.

python -m benchmarks.losses FOLDER… --page docs/losses.md --dense-model DIR scores all documents of
the data sets of benchmarks/groups.py (but those that models have seen) exactly, as shipped and with
one thing changed, and writes means by group with what each change is worth; then how systems do by
the length of what is to be found. Impacts and figures are kept as `splare-os evaluate` and
`benchmarks.results` keep them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import click

from splare_os.cli.main import errors_in_one_line
from splare_os.cli.options import cluster_options, connect
from splare_os.encode.encoder import SplareEncoder
from splare_os.encode.load import load_encoder
from splare_os.evaluate.datasets import DataSet, read_corpus, read_dataset
from splare_os.evaluate.store import default_cache_folder
from splare_os.impacts import prune
from splare_os.layout import MAX_TOP_K
from splare_os.scoring import K1, B, Saturation, weighed
from splare_os.statistics import Statistics

from .bootstrap import interval, mean_of_sets
from .data_sets import page_options
from .generalisation import figures
from .groups import CHOICE, UNSEEN, group
from .results import WorkFile, folders_below, known_only, measured, plan_of
from .results_page import table
from .scoring import Collection, by_query, read_collection
from .table import put_between_marks

ByQuery: TypeAlias = Mapping[str, float]
Found: TypeAlias = Mapping[str, Mapping[str, ByQuery]]
"""nDCG@10 by data set, system or change, and query."""

SHIPPED = "as shipped"
ALL = 100_000
CUTS: Mapping[str, tuple[int, int]] = {
    "queries: 100 latents": (100, 0),
    "queries: all": (ALL, 0),
    "documents: 100 latents": (0, 100),
    "documents: 400": (0, 400),
    f"documents: all, at most {MAX_TOP_K}": (0, ALL),
    "both: all": (ALL, ALL),
}
"""Latents of a query and of a document; 0: as the model has it."""

WORDS = (40, 80, 160)
"""Bounds of the kinds of length: words of the longest document that answers a query."""

OTHERS = ("bm25", "dense")
PLAIN = {"dense": True, "device": None, "dtype": None, "curves": (), "top_k": ()}
"""Options of what `measured` is asked for."""


def changes(one: Collection, top_k: int) -> Iterator[tuple[str, ByQuery]]:
    """Yield the figures of a data set as shipped, cut otherwise, and without statistics."""
    for name, (of_query, of_document) in {SHIPPED: (0, 0), **CUTS}.items():
        kept = prune(one.documents, of_document or top_k)
        known = Statistics.of(kept).with_prior(one.prior)
        weights = prune(weighed(one.queries, known.idf()), of_query or one.top_k)
        yield name, by_query(one, weights, Saturation(K1, B, one.mean_length).of(kept))
    cut = prune(one.queries, one.top_k), prune(one.documents, top_k)
    yield "no statistics: dot products", by_query(one, *cut)


def collections(
    encoder: SplareEncoder, data: Sequence[DataSet]
) -> Iterator[tuple[Collection, int]]:
    """Yield each data set with all latents of its documents, and how many the model keeps."""
    shipped = encoder.card
    encoder.card = replace(shipped, document_top_k=MAX_TOP_K)
    for one in data:
        yield read_collection(encoder, one), shipped.document_top_k


def of_changes(found: Found) -> str:
    """Return the table of means by group, each row with what it has over the model as shipped."""
    groups = _groups(found)
    heads = [head for name in groups for head in (f"{name} ({len(groups[name])})", "difference")]
    lines = []
    for change in next(iter(found.values())):
        cells = [change]
        for sets in groups.values():
            there = [(found[name][change], found[name][SHIPPED]) for name in sets]
            cells.append(f"{mean_of_sets([list(one.values()) for one, _ in there]):.4f}")
            cells.append(_difference([[a[q] - b[q] for q in b] for a, b in there]))
        lines.append(cells)
    return table(["change", *heads], lines)


def of_lengths(found: Found, words: Mapping[str, Mapping[str, int]], model: str) -> str:
    """Return the table of all queries alike, by the words of the longest document that answers."""
    systems, lines = (*OTHERS, model), []
    for low, high in zip((0, *WORDS), (*WORDS, 10**9), strict=True):
        asked = [(name, query) for name in found for query in found[name][model]]
        asked = [(name, query) for name, query in asked if low < words[name][query] <= high]
        if not asked:
            continue
        values = [[found[name][one][query] for name, query in asked] for one in systems]
        differences = [a - b for a, b in zip(values[2], values[1], strict=True)]
        label = f"{low + 1} to {high}" if high < 10**9 else f"more than {low}"
        cells = [f"{mean_of_sets([each]):.4f}" for each in values]
        lines.append([label, str(len(asked)), *cells, _difference([differences])])
    return table(["words", "queries", *systems, f"{model} − dense"], lines)


def longest(data: DataSet) -> Mapping[str, int]:
    """Return the words of the longest document that answers each query."""
    words = {one.id: len(one.text.split()) for one in read_corpus(data.corpus)}
    return {
        query: max((words.get(key, 0) for key, grade in judged.items() if grade > 0), default=0)
        for query, judged in data.qrels.items()
    }


def _difference(sets: Sequence[Sequence[float]]) -> str:
    low, high = interval(sets)
    return f"{mean_of_sets(sets):+.4f} [{low:+.3f}, {high:+.3f}]"


def _groups(found: Found) -> Mapping[str, list[str]]:
    groups = {name: [one for one in found if group(one) == name] for name in ("unseen", "choice")}
    return {name: sets for name, sets in groups.items() if sets}


FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folders", nargs=-1, required=True, type=FOLDER)
@page_options(queries=300)
@click.option("--dense-model", help="Instead of all-MiniLM-L6-v2.")
@cluster_options
def main(folders: tuple[Path, ...], page: Path | None, **asked: Any) -> None:  # noqa: ANN401
    """Write the tables of the page, between its marks."""
    below = {name: path for folder in folders for name, path in folders_below(folder).items()}
    known = [name for name in (*UNSEEN, *CHOICE) if name in below]
    known_only("--sets", asked["sets"], known)
    sets = {name: below[name] for name in asked["sets"] or known}
    data = [read_dataset(path, name, limit=asked["queries"]) for name, path in sets.items()]
    encoder = load_encoder(asked["model"])
    if not isinstance(encoder, SplareEncoder):
        raise click.UsageError(f"--model {asked['model']}: give a folder of ours")
    changed = {one.name: dict(changes(one, top_k)) for one, top_k in collections(encoder, data)}
    with errors_in_one_line(), closing(connect(asked)) as client:
        plan = plan_of(asked | PLAIN | {"models": [asked["model"]]})
        finished = WorkFile(default_cache_folder() / "results.jsonl")
        rows = figures(measured(plan, sets, finished, client))
    [model] = plan.models
    systems = {name: {one: rows[name, one] for one in (*OTHERS, model)} for name in sets}
    words = {one.name: longest(one) for one in data}
    made = [of_changes(changed), of_lengths(systems, words, model)]
    if page is not None:
        put_between_marks(page, "\n\n".join(made))


if __name__ == "__main__":
    main()
