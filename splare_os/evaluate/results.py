"""Results: what one system reached on one data set."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from .datasets import DataSet
from .measures import Figures, means, measure
from .runs import Run

Json: TypeAlias = dict[str, str | float | int]

DECIMALS = 4


@dataclass(frozen=True)
class Result:
    """One system on one data set: its run, and each measure of each query."""

    dataset: str
    system: str
    run: Run
    by_query: Figures

    @classmethod
    def of(cls, data: DataSet, system: str, run: Run) -> "Result":
        """Return the result of a run over `data`."""
        return cls(data.name, system, run, measure(data.qrels, run))

    @cached_property
    def figures(self) -> dict[str, float]:
        """Each measure's mean over all judged queries."""
        return means(self.by_query)

    @property
    def queries(self) -> int:
        """Number of judged queries."""
        return len(next(iter(self.by_query.values())))

    def to_json(self) -> Json:
        """Return the result as a line of `splare-os evaluate` carries it."""
        named: Json = {"dataset": self.dataset, "system": self.system}
        rounded = {name: round(value, DECIMALS) for name, value in self.figures.items()}
        return named | rounded | {"queries": self.queries}
