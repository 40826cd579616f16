"""Runs: what a system found for each query, ranked, cut and fused. Pure functions."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ..search.fusion.fusion import RRF, Fusion, fuse

Hits: TypeAlias = dict[str, float]
"""Document id to score, higher is better."""

Run: TypeAlias = dict[str, Hits]
"""Query id to its hits."""

DEPTH = 1000
"""Hits of a query that are kept: measures look no deeper."""


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


def fuse_runs(runs: Sequence[Run], fusion: Fusion = RRF) -> Run:
    """Return the fusion of the best `fusion.depth` hits of each run, and as many of it.

    >>> fuse_runs([{"q": {"a": 9.0, "b": 5.0}}, {"q": {"b": 0.7}}], Fusion(k=1))
    {'q': {'b': 0.8333333730697632, 'a': 0.5}}
    """
    fused: Run = {}
    for query in dict.fromkeys(query for run in runs for query in run):
        rankings = [cut(run.get(query, {}), fusion.depth) for run in runs]
        fused[query] = cut(fuse(rankings, fusion), fusion.depth)
    return fused
