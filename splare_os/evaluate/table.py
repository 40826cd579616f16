"""Results as tables for people: one measure of all, and the details of each result."""

from collections.abc import Iterable, Sequence

from rich.markup import escape
from rich.table import Table

from .measures import MEASURES
from .results import MEAN, Result

NONE = "–"
MIB = 2**20


def table(results: Iterable[Result], *, measure: str = "ndcg@10") -> Table:
    """Return one measure of all results: a row for each data set, a column for each system.

    The best system of each row is bold; means stand below.
    """
    if measure not in MEASURES:
        raise ValueError(f"measure={measure!r}: choose one of {', '.join(MEASURES)}")
    cells: dict[str, dict[str, float]] = {}
    queries: dict[str, str] = {}
    for result in results:
        cells.setdefault(result.dataset, {})[result.label] = result.figures[measure]
        queries[result.dataset] = "" if result.dataset == MEAN else str(result.queries)
    systems = list(dict.fromkeys(system for row in cells.values() for system in row))
    drawn = _empty(measure, ["data set"], ["queries", *systems])
    for dataset, row in cells.items():
        if dataset == MEAN:
            drawn.add_section()
        drawn.add_row(escape(dataset), queries[dataset], *_shown(row, systems))
    return drawn


def details(results: Iterable[Result]) -> Table:
    """Return the other figures: a row for each data set and system.

    Latents and FLOPS are those of a query and a document; MiB those of the index, ms the median
    and the 95th percentile of searches; `p` is that of the paired test against the baseline.
    """
    others = [name for name in MEASURES if name != "ndcg@10"]
    columns = [*others, "latents q / d", "FLOPS", "MiB", "ms p50 / p95", "p", "won / tied / lost"]
    drawn = _empty("details", ["data set", "system"], columns)
    drawn.padding = (0, 0)  # or they would not fit into a hundred columns
    for result in results:
        measured = [f"{result.figures[name]:.4f}" for name in others]
        names = escape(result.dataset), escape(result.label)
        drawn.add_row(*names, *measured, *_costs(result), *_tested(result))
    return drawn


def _empty(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    drawn = Table(title=title)
    for heading in left:
        drawn.add_column(heading, overflow="fold")
    for heading in right:
        drawn.add_column(escape(heading), justify="right", overflow="fold")
    return drawn


def _shown(row: dict[str, float], systems: Sequence[str]) -> list[str]:
    best = f"{max(row.values(), default=0.0):.4f}"
    shown = [f"{row[system]:.4f}" if system in row else NONE for system in systems]
    return [f"[bold]{cell}[/bold]" if cell == best else cell for cell in shown]


def _costs(result: Result) -> list[str]:
    costs, cells = result.costs, [NONE] * 4
    if "flops" in costs:
        cells[0] = f"{costs['query_latents']:.1f} / {costs['document_latents']:.1f}"
        cells[1] = f"{costs['flops']:.2f}"
    if "index_bytes" in costs:
        cells[2] = f"{costs['index_bytes'] / MIB:.1f}"
        cells[3] = f"{costs['latency_p50_ms']:.0f} / {costs['latency_p95_ms']:.0f}"
    return cells


def _tested(result: Result) -> list[str]:
    found = result.versus
    if found is None:
        return [NONE, NONE]
    p = NONE if found.p_value is None else f"{found.p_value:.3f}"
    return [p, f"{found.wins} / {found.ties} / {found.losses}"]
