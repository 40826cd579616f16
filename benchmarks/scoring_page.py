"""What `benchmarks.scoring` found, as tables in a page and as a picture."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from .pictures import pyplot, save
from .results_page import mean, table
from .table import put_between_marks

Choice: TypeAlias = tuple[float, float, float]
"""α, k1 and b."""

Grid: TypeAlias = dict[Choice, float]
"""Mean nDCG@10 of one data set for each choice."""

Cost: TypeAlias = tuple[float, float]
"""Postings a query, per document of the collection, and nDCG@10."""


def write_page(
    page: Path,
    grids: Mapping[str, Grid],
    cuts: Mapping[str, Mapping[str, Cost]],
    means: Mapping[str, Mapping[str, float]],
    *,
    dot: Choice,
    default: Choice,
) -> None:
    """Put the tables between the marks of a page; `ValueError` if it has none."""
    parts = [_left_out(grids, dot, default), _best(grids, dot), _lengths(means), _costs(cuts)]
    put_between_marks(page, "\n".join(parts))


def chosen(grids: Mapping[str, Grid], left_out: str, dot: Choice) -> Choice:
    """Return what is best in the mean of all other families of data sets."""
    others = _families(name for name in grids if _family(name) != _family(left_out))
    choices = [choice for choice in next(iter(grids.values())) if choice != dot]
    return max(choices, key=lambda choice: _mean_of_families(grids, others, choice))


def _left_out(grids: Mapping[str, Grid], dot: Choice, default: Choice) -> str:
    lines, picked = [], []
    for name, found in grids.items():
        choice = chosen(grids, name, dot)
        picked.append((found[dot], found[choice], found[default]))
        lines.append([name, _told(choice), *(f"{figure:.4f}" for figure in picked[-1])])
    means = [f"{mean(column):.4f}" for column in zip(*picked, strict=True)]
    better = sum(ours >= dot_product for dot_product, _, ours in picked)
    lines.append([f"mean of {len(grids)}", f"default ≥ dot: {better}", *means])
    heads = ["left out", "chosen on the others", "dot", "so chosen", f"default {_told(default)}"]
    title = "### A data set left out, α, k1 and b chosen on the others: nDCG@10"
    return f"{title}\n\n{table(heads, lines)}"


def _best(grids: Mapping[str, Grid], dot: Choice) -> str:
    families = _families(grids)
    choices = next(iter(grids.values()))
    ranked = sorted(choices, key=lambda choice: -_mean_of_families(grids, families, choice))
    lines = [
        [_told(choice), f"{_mean_of_families(grids, families, choice):.4f}"]
        for choice in (*ranked[:10], dot)
    ]
    title = "### The best of all, means over families of data sets"
    return f"{title}\n\n{table(['α, k1, b', 'nDCG@10'], lines)}"


def _lengths(means: Mapping[str, Mapping[str, float]]) -> str:
    labels = next(iter(means.values()))
    lines = [[label, f"{mean([found[label] for found in means.values()]):.4f}"] for label in labels]
    title = "### Which mean length is taken, means over all data sets"
    return f"{title}\n\n{table(['mean length', 'nDCG@10'], lines)}"


def _costs(cuts: Mapping[str, Mapping[str, Cost]]) -> str:
    lines = []
    for label in next(iter(cuts.values())):
        found = [by_label[label] for by_label in cuts.values()]
        postings, figures = (mean(column) for column in zip(*found, strict=True))
        lines.append([label, f"{postings:.2f}", f"{figures:.4f}"])
    heads = ["query latents", "postings a query and document", "nDCG@10"]
    return f"### Which latents of a query score, means over all data sets\n\n{table(heads, lines)}"


def plot(path: Path, grids: Mapping[str, Grid], dot: Choice) -> None:
    """Draw the mean gain over the dot product for k1 and b, a panel for each α."""
    plt = pyplot()
    families = _families(grids)
    choices = [choice for choice in next(iter(grids.values())) if choice != dot]
    alphas, k1s, bs = (sorted(set(values)) for values in zip(*choices, strict=True))
    base = _mean_of_families(grids, families, dot)
    figure, panels = plt.subplots(1, len(alphas), figsize=(3 * len(alphas), 3), sharey=True)
    for panel, alpha in zip(panels, alphas, strict=True):
        gains = [
            [100 * (_mean_of_families(grids, families, (alpha, k1, b)) - base) for b in bs]
            for k1 in k1s
        ]
        panel.imshow(gains, vmin=0, vmax=3, cmap="viridis", origin="lower", aspect="auto")
        for row, line in enumerate(gains):
            for column, gain in enumerate(line):
                panel.text(column, row, f"{gain:+.1f}", ha="center", va="center", color="white")
        panel.set(title=f"α = {alpha:g}", xlabel="b")
        panel.set_xticks(range(len(bs)), [f"{b:g}" for b in bs])
        panel.set_yticks(range(len(k1s)), [f"{k1:g}" for k1 in k1s])
    panels[0].set_ylabel("k1")
    figure.suptitle("nDCG@10 in points above the dot product, mean over families of data sets")
    save(figure, path)


def _family(name: str) -> str:
    """Return what a data set shares its texts with: the translations of one are one family.

    >>> _family("xquad-x-en/de"), _family("scifact")
    ('xquad', 'scifact')
    """
    return "xquad" if name.startswith("xquad") else name


def _families(names: Iterable[str]) -> list[list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(_family(name), []).append(name)
    return list(found.values())


def _mean_of_families(
    grids: Mapping[str, Grid], families: Sequence[Sequence[str]], choice: Choice
) -> float:
    return mean([mean([grids[name][choice] for name in family]) for family in families])


def _told(choice: Choice) -> str:
    alpha, k1, b = choice
    return f"{alpha:g}, {k1:g}, {b:g}"
