"""The clauses of one search as query DSL, once it is known how each weighs where it searches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...impacts import Impacts
from ...layout.records import FieldRecord
from ..query.clause_limit import SURELY, ClauseLimit
from ..query.query import Dialect, Dsl, named, translate
from ..query.steps import Steps, plan
from ..steer.control import Control
from ..weigh.queries import Queries
from ..weigh.weighing import Weighing
from .clause import Clause, Parsed
from .remembered import Question, Remembered
from .stepped import Stepped, Told
from .target import Search


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
    remembered: Remembered

    def body(self, search: Search, parsed: Parsed) -> tuple[Dsl, Told]:
        """Return a body for the server, and the plan of its steps if two are asked for."""
        stepped = search.stepped
        if stepped is None:
            return parsed.filled(self.clause), None
        made = self._in_steps(stepped)
        first, told = made.pop("first"), made.pop("plan")

        def translated(clause: Clause) -> Dsl:
            return first if clause == stepped.clause else self.clause(clause)

        return parsed.filled(translated) | made, told

    def clause(self, clause: Clause) -> Dsl:
        """Return the query that a clause stands for."""
        return self._made(clause, None, lambda: self._translated(clause))

    def _made(self, clause: Clause, steps: Steps | None, make: Callable[[], Dsl]) -> Dsl:
        """Return what `make` makes of a clause, remembered unless something else decides too."""
        weighed, queries = self.found[clause], self.rows[clause.query]
        weighing, steering = weighed.weighing, weighed.control.steering
        most = queries.top_k or queries.impacts.nnz + len(steering.add if steering else ())
        if weighed.control.moved is not None or most > SURELY:
            return make()
        question = Question(clause, weighed.field, weighing.k1, steering, steps)
        sources = (queries,) if weighing.idf is None else (queries, weighing.idf)
        return self.remembered(question, sources, make)

    def _translated(self, clause: Clause) -> Dsl:
        weighed, weights = self.cut(clause)
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

    def _in_steps(self, stepped: Stepped) -> Dsl:
        """Return the `first` query, the `rescore` if there is one, and the `plan` of a clause."""
        clause, steps = stepped.clause, stepped.steps

        def make() -> Dsl:
            weighed, weights = self.cut(clause)
            weighing = weighed.weighing
            chosen = plan(weights, steps, weighing.shares, weighing.documents)
            made = chosen.body(_impacts(weighed), boost=clause.boost, k1=weighing.k1)
            first = weighed.control.query(named(made.pop("query"), clause.name))
            return made | {"first": first, "plan": chosen.to_json()}

        return self._made(clause, steps, make)

    def cut(self, clause: Clause) -> tuple[Weighed, Impacts]:
        """Return how a clause weighs, and the weights [1, latent] that are left of its query."""
        weighed = self.found[clause]
        weights = weighed.weights(self.rows[clause.query])
        return weighed, self.limit.cut(clause.cut, weights).of(weights)


def _impacts(weighed: Weighed) -> str:
    return f"{weighed.field}.impacts"
