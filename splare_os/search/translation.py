"""The clauses of one search as query DSL, once it is known how each weighs where it searches."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..impacts import Impacts
from ..layout.records import FieldRecord
from .clause import Clause, replace_in_body
from .clause_limit import ClauseLimit
from .control import Control
from .queries import Queries
from .query import Dialect, Dsl, named, translate
from .stepped import the_clause
from .steps import Plan, plan
from .target import Search
from .weighing import Weighing


@dataclass(frozen=True)
class Weighed:
    """The impacts field that a clause searches, how it weighs there, and the concrete indices.

    `records` are those of the indices that have the field; `control` is what the query is steered
    by.
    """

    field: str
    weighing: Weighing
    indices: frozenset[str]
    records: Mapping[str, FieldRecord]
    control: Control

    def weights(self, queries: Queries) -> Impacts:
        """Return the weights [1, latent] of a query, as it scores here."""
        return self.control.weights(self.weighing, queries)


@dataclass(frozen=True)
class Translation:
    """Translates clauses: `rows` are the queries by text, `found` how each clause weighs."""

    rows: Mapping[str, Queries]
    found: Mapping[Clause, Weighed]
    dialect: Dialect
    limit: ClauseLimit

    def body(self, search: Search) -> tuple[Dsl, Plan | None]:
        """Return a body for the server, and the plan of its steps if two are asked for."""
        if search.steps is None:
            return replace_in_body(search.body, self.clause, scores=search.target.ranks), None
        stepped = the_clause(search.body)
        last = search.body.get("from", 0) + search.body.get("size", 10)
        steps = replace(search.steps, window=max(search.steps.window, last))
        weighed, weights = self._cut(stepped)
        weighing = weighed.weighing
        chosen = plan(weights, steps, weighing.shares, weighing.documents)
        made = chosen.body(_impacts(weighed), boost=stepped.boost, k1=weighing.k1)
        first = weighed.control.query(named(made.pop("query"), stepped.name))

        def translated(clause: Clause) -> Dsl:
            return first if clause == stepped else self.clause(clause)

        return replace_in_body(search.body, translated) | made, chosen

    def clause(self, clause: Clause) -> Dsl:
        """Return the query that a clause stands for."""
        weighed, weights = self._cut(clause)
        translated = translate(
            weights,
            _impacts(weighed),
            dialect=self.dialect,
            boost=clause.boost,
            min_score=clause.min_score,
            k1=weighed.weighing.k1,
            name=clause.name,
        )
        return weighed.control.query(translated)

    def _cut(self, clause: Clause) -> tuple[Weighed, Impacts]:
        """Return how a clause weighs, and the weights [1, latent] that are left of its query."""
        weighed = self.found[clause]
        weights = weighed.weights(self.rows[clause.query])
        return weighed, self.limit.cut(clause.cut, weights).of(weights)


def _impacts(weighed: Weighed) -> str:
    return f"{weighed.field}.impacts"
