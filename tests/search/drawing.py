"""Searches drawn at random from what `searches.json` has, with places for clauses in them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from .zoo import WORDS

Json: TypeAlias = dict[str, Any]

GRAMMAR: dict[str, list[Any]] = json.loads(Path(__file__).with_name("searches.json").read_text())
MOST_LEVELS = 3


@dataclass(frozen=True)
class Mark:
    """A place for a clause: `options` are those of the clause beside its query."""

    query: str
    options: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Drawn:
    """A search: where, with which parameters, and its body, in which marks may stand."""

    index: str
    params: Json
    body: Json


def filled(body: Any, fill: Callable[[Mark], Json]) -> Any:
    """Return a body with something at the places for clauses."""
    if isinstance(body, Mark):
        return fill(body)
    if isinstance(body, dict):
        return {key: filled(one, fill) for key, one in body.items()}
    return [filled(one, fill) for one in body] if isinstance(body, list) else body


class Drawer:
    """Draws by a seed; `clauses` is how often a query is a place for a clause."""

    def __init__(self, seed: float, clauses: float = 0.0) -> None:
        self.rng, self.clauses, self.n_marks = Random(seed), clauses, 0

    def search(self) -> Drawn:
        """Return a search with some of all options."""
        parts = {"query": "$scores"} if self.rng.random() < 0.95 else {}
        for part in self.rng.sample(GRAMMAR["parts"], k=self.rng.randint(0, 5)):
            parts |= part
        params: Json = {}
        for one in self.rng.sample(GRAMMAR["parameters"], k=self.rng.choice([0, 0, 1, 2])):
            params |= one
        return Drawn(self.index(), params, self.expanded(parts))

    def index(self) -> str:
        """Return names of indices."""
        return str(self.rng.choice(GRAMMAR["indices"]))

    def query(self, level: int = 0, *, scores: bool = True) -> Any:
        """Return a query; `scores`: its place gives scores."""
        if self.rng.random() < self.clauses:
            return self._mark(scores=scores)
        kind = "compounds" if level < MOST_LEVELS and self.rng.random() < 0.6 else "leaves"
        ((name, arguments),) = self.rng.choice(GRAMMAR[kind]).items()
        named = {"_name": f"n{level}"} if kind == "compounds" and self.rng.random() < 0.2 else {}
        # only what gives scores itself has places that do
        return {name: self.expanded(arguments, level + 1, scores=scores) | named}

    def expanded(self, part: Any, level: int = 0, *, scores: bool = True) -> Any:
        """Return a part of the grammar with something drawn for what stands for it."""
        if isinstance(part, dict):
            return {key: self.expanded(one, level, scores=scores) for key, one in part.items()}
        if isinstance(part, list):
            return [self.expanded(one, level, scores=scores) for one in part]
        return self._stood_for(part, level, scores=scores) if "$" in str(part) else part

    def _stood_for(self, name: str, level: int, *, scores: bool) -> Any:
        if name in {"$scores", "$selects"}:
            return self.query(level, scores=scores and name == "$scores")
        if name == "$aggs":
            return self._aggregations(level)
        if name == "$source":
            return self.rng.choice(GRAMMAR["sources"])
        words = name.replace("$words", self._words()).replace("$word", self.rng.choice(WORDS))
        return words.replace("$name", f"inner{self.rng.random()}")

    def _aggregations(self, level: int) -> Json:
        if level > MOST_LEVELS:
            return {"deep": {"cardinality": {"field": "lang"}}}
        chosen = self.rng.sample(GRAMMAR["aggregations"], k=self.rng.randint(1, 2))
        return {f"{n}{level}": self.expanded(one, level + 1) for n, one in enumerate(chosen)}

    def _words(self) -> str:
        return " ".join(self.rng.choices(WORDS, k=self.rng.randint(1, 4)))

    def _mark(self, *, scores: bool) -> Mark:
        self.n_marks += 1
        options: Json = {}
        some = {"boost": 2.5, "_name": "latents", "top_k": 5, "mass": 0.7}
        for name in self.rng.sample(sorted(some), k=self.rng.choice([0, 0, 1, 2])):
            options[name] = some[name]
        if not scores or self.rng.random() < 0.2:
            options["min_score"] = self.rng.choice([0.5, 3.0, 8])
        return Mark("" if self.rng.random() < 0.1 else self._words(), options)
