"""Translations remembered: a clause that was asked before need not be weighed and cut anew."""

import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import ref

import orjson

from ...forks import SafeLock
from ...steering import Steering
from ..query.query import Dsl
from ..query.steps import Steps
from ..weigh.queries import OVERHEAD_BYTES
from .clause import Clause


@dataclass(frozen=True)
class Question:
    """What a translation depends on, beside the query and the statistics it was made of.

    `field` is the impacts field, `k1` what the cluster saturates its impacts by.
    """

    clause: Clause
    field: str
    k1: float | None
    steering: Steering | None = None
    steps: Steps | None = None


@dataclass(frozen=True)
class _Answer:
    """A translation as JSON, and what it was made of, as long as that is anywhere else."""

    made: bytes
    sources: tuple[ref[Any], ...]

    def is_of(self, sources: Sequence[object]) -> bool:
        same = (one() is source for one, source in zip(self.sources, sources, strict=False))
        return len(self.sources) == len(sources) and all(same)


class Remembered:
    """The translations of one client that were asked for last, `cache_bytes` of them; 0: none."""

    def __init__(self, cache_bytes: int) -> None:
        self._cache_bytes, self._n_bytes = cache_bytes, 0
        self._known: OrderedDict[Question, _Answer] = OrderedDict()
        self._lock = SafeLock()

    def __call__(
        self, question: Question, sources: Sequence[object], make: Callable[[], Dsl]
    ) -> Dsl:
        """Return what `make` makes, or has made of the very same objects; it is the caller's own.

        A query that is encoded anew, and statistics that are read anew, are other objects.
        """
        with self._lock:
            known = self._known.get(question)
            if known is not None and known.is_of(sources):
                self._known.move_to_end(question)
                found: Dsl = orjson.loads(known.made)
                return found
        made = make()
        try:
            answer = _Answer(orjson.dumps(made), tuple(map(ref, sources)))
        except orjson.JSONEncodeError:  # a name that is none in UTF-8
            return made
        self._keep(question, answer)
        return made

    def _keep(self, question: Question, answer: _Answer) -> None:
        with self._lock:
            if (old := self._known.pop(question, None)) is not None:
                self._n_bytes -= n_bytes(question, old.made)
            self._known[question] = answer
            self._n_bytes += n_bytes(question, answer.made)
            while self._n_bytes > self._cache_bytes:
                oldest, answer = self._known.popitem(last=False)
                self._n_bytes -= n_bytes(oldest, answer.made)


def n_bytes(question: Question, made: bytes) -> int:
    """Return what it takes to remember a translation."""
    return sys.getsizeof(question.clause.query) + sys.getsizeof(made) + OVERHEAD_BYTES
