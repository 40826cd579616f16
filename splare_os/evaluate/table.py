"""Results as a table for people: a row for each data set, a column for each system."""

from collections.abc import Iterable, Sequence

from rich.table import Table

from .measures import MEASURES
from .results import Result

NONE = "–"


def table(results: Iterable[Result], *, measure: str = "ndcg@10") -> Table:
    """Return one measure of all results; with two data sets or more, their means below.

    The best system of each row is bold. A system's mean is there if it has all data sets.
    """
    if measure not in MEASURES:
        raise ValueError(f"measure={measure!r}: choose one of {', '.join(MEASURES)}")
    cells: dict[str, dict[str, float]] = {}
    queries: dict[str, int] = {}
    for result in results:
        cells.setdefault(result.dataset, {})[result.system] = result.figures[measure]
        queries[result.dataset] = result.queries
    systems = list(dict.fromkeys(system for row in cells.values() for system in row))
    drawn = _empty(measure, systems)
    for dataset, row in cells.items():
        drawn.add_row(dataset, str(queries[dataset]), *_shown(row, systems))
    if len(cells) > 1:
        drawn.add_section()
        drawn.add_row("mean", "", *_shown(_mean_row(cells, systems), systems))
    return drawn


def _empty(measure: str, systems: Sequence[str]) -> Table:
    drawn = Table(title=measure)
    drawn.add_column("data set")
    for heading in ("queries", *systems):
        drawn.add_column(heading, justify="right")
    return drawn


def _mean_row(cells: dict[str, dict[str, float]], systems: Sequence[str]) -> dict[str, float]:
    return {
        system: sum(row[system] for row in cells.values()) / len(cells)
        for system in systems
        if all(system in row for row in cells.values())
    }


def _shown(row: dict[str, float], systems: Sequence[str]) -> list[str]:
    best = f"{max(row.values(), default=0.0):.4f}"
    shown = [f"{row[system]:.4f}" if system in row else NONE for system in systems]
    return [f"[bold]{cell}[/bold]" if cell == best else cell for cell in shown]
