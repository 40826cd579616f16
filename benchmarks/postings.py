"""What fewer postings cost: nDCG@10 beside how many of a document's impacts a query meets.

python -m benchmarks.postings FOLDER… --page docs/postings.md --plot docs/pruning.svg cuts documents
by the mass of their impacts (`splare-os index --mass`) or to a number (`--top-k`), and queries by
the mass of their weights (`mass` of a clause), scores all documents of each data set below the
folders exactly, and writes means by the groups of benchmarks/groups.py. Impacts are those that
`splare-os evaluate` keeps.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TypeAlias

import click

from splare_os.encode.load import load_encoder
from splare_os.encode.quiet import quieten_transformers
from splare_os.evaluate.datasets import read_dataset
from splare_os.evaluate.sparsity import sparsity
from splare_os.impacts import Impacts, prune, stack
from splare_os.layout.cut import DocumentCut
from splare_os.scoring import K1, B, Saturation, weighed
from splare_os.search.query.cut import Cut
from splare_os.statistics import Statistics

from .data_sets import page_options
from .groups import CHOICE, GROUPS, SEEN, UNSEEN, group
from .pictures import pyplot, save
from .results import folders_below, known_only
from .results_page import table
from .scoring import Collection, ndcg, read_collection
from .table import put_between_marks

KEPT = {
    "all": DocumentCut(),
    **{f"mass {mass:g}": DocumentCut(mass=mass) for mass in (0.95, 0.9, 0.8, 0.7)},
    **{f"top {top_k}": DocumentCut(top_k) for top_k in (150, 100, 75)},
}
"""Cuts of documents."""

ASKED = (1.0, 0.9, 0.8, 0.7)
"""Of queries."""

SHOWN = ("msmarco-dl-mini", "scifact")
"""Data sets with columns of their own: short documents and queries, and long ones."""

Choice: TypeAlias = tuple[str, float]
"""The cut of documents and the mass of queries."""


@dataclass(frozen=True)
class Cost:
    """Mean impacts of a document, postings that a query meets of one, and nDCG@10."""

    impacts: float
    postings: float
    ndcg: float


def costs(one: Collection) -> Iterator[tuple[Choice, Cost]]:
    """Yield what each choice costs on one data set."""
    for name, of_documents in KEPT.items():
        kept = of_documents.of(one.documents)
        known = Statistics.of(kept).with_prior(one.prior)
        documents = Saturation(K1, B, one.mean_length).of(kept)
        weights = prune(weighed(one.queries, known.idf()), one.top_k)
        for of_queries in ASKED:
            queries = cut(weights, of_queries)
            there = sparsity(queries, [kept])
            found = ndcg(one, queries, documents)
            yield (name, of_queries), Cost(there.document_latents, there.flops, found)


def cut(weights: Impacts, mass: float) -> Impacts:
    """Return the heaviest weights of each query [text, latent], as a clause with `mass` does."""
    each = Cut(mass=mass)
    return stack([each.of(weights[[row]]) for row in range(weights.shape[0])])


def tables(found: Mapping[str, Mapping[Choice, Cost]]) -> str:
    """Return the table of means by group, and that of some data sets alone."""
    groups = {name: [one for one in found if group(one) == name] for name in GROUPS}
    groups = {f"{name} ({len(sets)})": sets for name, sets in groups.items() if sets}
    parts = [f"### Means over data sets\n\n{_table(found, groups)}"]
    if shown := {name: [name] for name in SHOWN if name in found}:
        parts.append(f"### Two data sets alone\n\n{_table(found, shown)}")
    return "\n\n".join(parts)


def _table(found: Mapping[str, Mapping[Choice, Cost]], columns: Mapping[str, Sequence[str]]) -> str:
    heads = ["documents", "mass of queries"]
    heads += [f"{name}: {what}" for name in columns for what in ("impacts", "postings", "nDCG@10")]
    lines = []
    for choice in next(iter(found.values())):
        cells = [choice[0], f"{choice[1]:g}"]
        for sets in columns.values():
            there = [found[name][choice] for name in sets]
            cells += [
                f"{mean(one.impacts for one in there):.0f}",
                f"{mean(one.postings for one in there):.2f}",
                f"{mean(one.ndcg for one in there):.4f}",
            ]
        lines.append(cells)
    return table(heads, lines)


def plot(path: Path, found: Mapping[str, Mapping[Choice, Cost]]) -> None:
    """Draw nDCG@10 against postings, a line for each cut of documents: means of all data sets."""
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(6.4, 3.6))
    for name, of_documents in KEPT.items():
        there = [[one[name, asked] for one in found.values()] for asked in ASKED]
        axes.plot(
            [mean(one.postings for one in each) for each in there],
            [mean(one.ndcg for one in each) for each in there],
            marker="o",
            linestyle="--" if of_documents.top_k else "-",
            label=name,
        )
    axes.set(xlabel="postings of a document that a query meets", ylabel="nDCG@10")
    axes.legend(title="documents", fontsize="small")
    axes.set_title("points of a line: queries of mass 1, 0.9, 0.8, 0.7")
    save(figure, path)


FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folders", nargs=-1, required=True, type=FOLDER)
@page_options(queries=300)
def main(
    folders: tuple[Path, ...],
    model: str,
    sets: Sequence[str],
    queries: int,
    page: Path | None,
    picture: Path | None,
) -> None:
    """Tell what cuts of documents and of queries cost."""
    quieten_transformers()
    below = {name: path for folder in folders for name, path in folders_below(folder).items()}
    known = [name for name in (*UNSEEN, *CHOICE, *SEEN) if name in below]
    known_only("--sets", sets, known)
    encoder, found = load_encoder(model), {}
    for name in sets or known:
        one = read_collection(encoder, read_dataset(below[name], name, limit=queries))
        found[name] = dict(costs(one))
        click.echo(f"{name} {found[name]['all', 1.0].ndcg:.4f}", err=True)
    if page is not None:
        put_between_marks(page, tables(found))
    if picture is not None:
        plot(picture, found)


if __name__ == "__main__":
    main()
