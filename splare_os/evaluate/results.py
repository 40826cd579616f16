"""Results: what one system reached on one data set, what it cost, and the means over data sets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from .comparison import Comparison
from .cuts import Cut
from .datasets import DataSet
from .measures import Figures, means, measure
from .runs import Run

Json: TypeAlias = dict[str, str | float | int | None]

Costs: TypeAlias = dict[str, float | int]
"""What a system costs, by name; only what it has: see docs/evaluation.md."""

MISSING = "missing_documents"
"""The cost of documents that a system could not take, so that its figures are too low."""

DECIMALS = 4
MEAN = "mean"
"""Stands where a data set's name does, in the results over all of them."""


@dataclass(frozen=True)
class Result:
    """One system on one data set: its run, and each measure of each query.

    `top_k`: the impacts kept of a document, where a cut was asked for. `analyzer`: BM25's, where
    it is not the usual one.
    """

    dataset: str
    system: str
    run: Run
    by_query: Figures
    top_k: Cut | None = None
    costs: Costs = field(default_factory=dict)
    versus: Comparison | None = None
    analyzer: str | None = None

    @classmethod
    def of(cls, data: DataSet, system: str, run: Run) -> "Result":
        """Return the result of a run over `data`."""
        return cls(data.name, system, run, measure(data.qrels, run))

    @cached_property
    def figures(self) -> dict[str, float]:
        """Each measure's mean over all judged queries."""
        return means(self.by_query)

    @property
    def label(self) -> str:
        """The system, with the cut where there is one: `mini@100`."""
        return self.system if self.top_k is None else f"{self.system}@{self.top_k}"

    @property
    def queries(self) -> int:
        """Number of judged queries; of means, number of data sets."""
        return len(next(iter(self.by_query.values())))

    def to_json(self) -> Json:
        """Return the result as a line of `splare-os evaluate` carries it."""
        named: Json = {"dataset": self.dataset, "system": self.system}
        cut: Json = {} if self.top_k is None else {"top_k": self.top_k}
        analysed: Json = {} if self.analyzer is None else {"analyzer": self.analyzer}
        counted: Json = {"datasets" if self.dataset == MEAN else "queries": self.queries}
        measured = _rounded(self.figures) | counted | _rounded(self.costs)
        return named | cut | analysed | measured | self._compared()

    def _compared(self) -> Json:
        if self.versus is None:
            return {}
        found = self.versus
        counts: Json = {"wins": found.wins, "ties": found.ties, "losses": found.losses}
        return {"baseline": found.baseline, "p_value": found.p_value} | counts


def mean_results(results: Iterable[Result]) -> list[Result]:
    """Return the macro means of each system that has all data sets; none for a single data set.

    A cost is averaged where all data sets have it; missing documents are added up.
    """
    found: dict[str, list[Result]] = {}
    datasets = set()
    for result in results:
        found.setdefault(result.label, []).append(result)
        datasets.add(result.dataset)
    if len(datasets) < 2:
        return []
    return [_mean(rows) for rows in found.values() if len(rows) == len(datasets)]


def _mean(rows: Sequence[Result]) -> Result:
    by_dataset = {
        name: {row.dataset: row.figures[name] for row in rows} for name in rows[0].figures
    }
    shared = [name for name in rows[0].costs if all(name in row.costs for row in rows)]
    costs: Costs = {name: sum(row.costs[name] for row in rows) / len(rows) for name in shared}
    if lost := sum(row.costs.get(MISSING, 0) for row in rows):
        costs[MISSING] = lost
    return Result(MEAN, rows[0].system, {}, by_dataset, rows[0].top_k, costs)


def _rounded(figures: dict[str, float] | Costs) -> Json:
    return {
        name: value if isinstance(value, int) else round(value, DECIMALS)
        for name, value in figures.items()
    }
