"""How models hold on data that they have not seen: means by group, and what is lost where.

python -m benchmarks.generalisation FOLDER… --out docs/generalisation.md --models mini,DIR
measures BM25, the dense teacher (--dense-model) and the models on the data sets of
benchmarks/groups.py that lie below the folders, and writes means by group with 95 % intervals; with
--difference A:B what A has over B, query by query; with --sae FOLDER how much of the token states
an SAE explains. Finished figures are kept as `benchmarks.results` keeps them.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import click

from splare_os.cli.main import errors_in_one_line
from splare_os.cli.options import cluster_options, connect, names
from splare_os.evaluate.store import default_cache_folder

from .bootstrap import interval, mean_of_sets
from .explained import explained
from .groups import CHOICE, GROUPS, SEEN, UNSEEN, group
from .results import WorkFile, folders_below, known_only, measured, plan_of
from .results_page import TESTED, Row, table
from .table import put_between_marks

ByQuery: TypeAlias = Mapping[tuple[str, str], Mapping[str, float]]
"""Data set and system to the tested measure of each query."""


def figures(rows: Iterable[Row]) -> ByQuery:
    """Return the queries' figures of rows that are not cut."""
    return {(row["dataset"], row["system"]): row["by_query"] for row in rows}


def by_set(found: ByQuery) -> str:
    """Return a table of every data set, groups in order."""
    sets, systems = _sets(found), _systems(found)
    lines = []
    for name in sets:
        means = [mean_of_sets([list(found[name, system].values())]) for system in systems]
        n = len(found[name, systems[0]])
        lines.append([name, group(name), str(n), *(f"{value:.4f}" for value in means)])
    return table(["data set", "group", "queries", *systems], lines)


def by_group(found: ByQuery) -> str:
    """Return a table of the groups' means with intervals, a row for each system."""
    groups = _groups(found)
    lines = []
    for system in _systems(found):
        cells = [_cell([list(found[name, system].values()) for name in groups[g]]) for g in groups]
        lines.append([system, *cells])
    heads = [f"{g} ({len(sets)} sets)" for g, sets in groups.items()]
    return table(["system", *heads], lines)


def differences(found: ByQuery, pairs: Sequence[tuple[str, str]]) -> str:
    """Return a table of what one system has over another, paired by query."""
    groups, lines = _groups(found), []
    for one, other in pairs:
        cells = []
        for sets in groups.values():
            pairs_of = [(found[name, one], found[name, other]) for name in sets]
            cells.append(_cell([[a[q] - b[q] for q in a] for a, b in pairs_of], sign="+"))
        lines.append([f"{one} − {other}", *cells])
    return table(["difference", *groups], lines)


def states(folders: Mapping[str, Path], sae: Path, model: Path) -> str:
    """Return a table of how much of the states of each data set's documents an SAE explains."""
    lines = []
    for name in _ordered(folders):
        what = explained(folders[name], sae, model)
        cells = [f"{what.explained_variance:.3f}", f"{what.mean_l0:.1f}"]
        lines.append([name, group(name), *cells])
    return table(["data set", "group", "explained variance", "latents a token"], lines)


def _cell(sets: Sequence[Sequence[float]], *, sign: str = "") -> str:
    low, high = interval(sets)
    return f"{mean_of_sets(sets):{sign}.4f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def _ordered(sets: Iterable[str]) -> list[str]:
    return sorted(sets, key=lambda name: (GROUPS.index(group(name)), name))


def _sets(found: ByQuery) -> list[str]:
    return _ordered({name for name, _ in found})


def _systems(found: ByQuery) -> list[str]:
    return list(dict.fromkeys(system for _, system in found))


def _groups(found: ByQuery) -> dict[str, list[str]]:
    sets = _sets(found)
    groups = {g: [name for name in sets if group(name) == g] for g in GROUPS}
    return {g: members for g, members in groups.items() if members}


def _pair(text: str) -> tuple[str, str]:
    one, colon, other = text.partition(":")
    if not colon:
        raise click.UsageError(f"--difference {text!r}: give two systems, as mini:mini-dot")
    return one, other


FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folders", nargs=-1, required=True, type=FOLDER)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path, exists=True))
@click.option("--models", default="mini", show_default=True, callback=names, help="By comma.")
@click.option("--sets", default="", callback=names, help="Only these data sets.")
@click.option("--queries", default=300, show_default=True, type=click.IntRange(min=1))
@click.option("--difference", "pairs", multiple=True, help="Two systems, A:B.")
@click.option("--dense-model", help="Instead of all-MiniLM-L6-v2.")
@click.option("--device", help="Where models run.")
@click.option("--dtype", help="Their precision.")
@click.option("--sae", type=FOLDER, help="What `train sae` kept of the last model's SAE.")
@click.option("--work", type=click.Path(dir_okay=False, path_type=Path), help="Finished rows.")
@cluster_options
def main(
    folders: tuple[Path, ...],
    out: Path,
    sae: Path | None,
    work: Path | None,
    **asked: Any,  # noqa: ANN401  # options of several types
) -> None:
    """Write the tables of the page OUT, between its marks."""
    pairs = [_pair(text) for text in asked["pairs"]]
    below = {name: path for folder in folders for name, path in folders_below(folder).items()}
    known = [name for name in (*UNSEEN, *CHOICE, *SEEN) if name in below]
    known_only("--sets", asked["sets"], known)
    sets = {name: below[name] for name in asked["sets"] or known}
    with errors_in_one_line():
        plan = plan_of(asked | {"dense": True, "curves": (), "top_k": ()})
        finished = WorkFile(work or default_cache_folder() / "results.jsonl")
        with closing(connect(asked)) as client:
            found = figures(measured(plan, sets, finished, client))
        parts = [by_group(found), by_set(found)]
        if pairs:
            parts.insert(1, differences(found, pairs))
        if sae is not None:
            parts.append(states(sets, sae, Path(asked["models"][-1])))
    put_between_marks(out, "\n".join(parts))
    click.echo(f"{out}: {len(found)} figures of {TESTED}", err=True)


if __name__ == "__main__":
    main()
