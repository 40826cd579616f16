"""Runs: what a system found for each query, ranked, cut and fused. Pure functions."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Hits: TypeAlias = dict[str, float]
"""Document id to score, higher is better."""

Run: TypeAlias = dict[str, Hits]
"""Query id to its hits."""

DEPTH = 1000
"""Hits of a query that are kept: measures look no deeper."""

FUSED_DEPTH = 100
"""Hits of each run that fusion looks at, and hits that it returns."""

RRF_K = 60


def ranked(hits: Mapping[str, float]) -> list[str]:
    """Return document ids, best first; equal scores by id, so that a ranking is one ranking.

    >>> ranked({"b": 1.0, "a": 1.0, "c": 2.0})
    ['c', 'a', 'b']
    """
    return sorted(hits, key=lambda name: (-hits[name], name))


def cut(hits: Mapping[str, float], depth: int) -> Hits:
    """Return the best `depth` hits, best first."""
    return {name: hits[name] for name in ranked(hits)[:depth]}


def cut_all(run: Run, depth: int) -> Run:
    """Return the best `depth` hits of every query."""
    return {query: cut(hits, depth) for query, hits in run.items()}


def without_own(run: Run, own: frozenset[str], *, depth: int = DEPTH) -> Run:
    """Return the best `depth` hits of each query, the document that is the query left out."""
    return {
        query: cut({name: hits[name] for name in hits if query not in own or name != query}, depth)
        for query, hits in run.items()
    }


def fuse(runs: Sequence[Run], *, k: int = RRF_K, depth: int = FUSED_DEPTH) -> Run:
    """Return the reciprocal rank fusion of the best `depth` hits of each run.

    A document's score is the sum of 1 / (k + rank) over the runs that found it, rank from 1.
    Source: Cormack, Clarke and Buettcher, SIGIR 2009.

    >>> fuse([{"q": {"a": 9.0, "b": 5.0}}, {"q": {"b": 0.7}}], k=1)
    {'q': {'b': 0.8333333333333333, 'a': 0.5}}
    """
    fused: Run = {}
    for run in runs:
        for query, hits in run.items():
            scores = fused.setdefault(query, {})
            for rank, name in enumerate(ranked(hits)[:depth], 1):
                scores[name] = scores.get(name, 0.0) + 1 / (k + rank)
    return {query: cut(scores, depth) for query, scores in fused.items()}
