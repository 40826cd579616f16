"""Measures of a run, by ir_measures: figures for each query, and their means."""

from typing import TypeAlias

import ir_measures
from ir_measures import RR, R, nDCG

from .datasets import Qrels
from .runs import Run, ranked

MEASURES = {
    "ndcg@10": nDCG @ 10,
    "mrr@10": RR @ 10,
    "recall@100": R @ 100,
    "recall@1000": R @ 1000,
}
"""A measure's name in results, and what ir_measures calls it; nDCG has linear gains."""

Figures: TypeAlias = dict[str, dict[str, float]]
"""Measure to query id to figure."""


def measure(qrels: Qrels, run: Run) -> Figures:
    """Return every measure of every judged query; a query without hits has 0.

    >>> measure({"q": {"a": 1, "b": 1}}, {"q": {"b": 7.0}})["recall@100"]
    {'q': 0.5}
    """
    # libraries break ties each in their own way: ranks as scores leave none
    scores = {
        query: {name: -float(rank) for rank, name in enumerate(ranked(hits))}
        for query, hits in run.items()
        if hits
    }
    # trec_eval takes a grade below 0 for a place in a table, and crashes or writes beside it
    judged = {
        query: {name: max(grade, 0) for name, grade in grades.items()}
        for query, grades in qrels.items()
    }
    names = {found: name for name, found in MEASURES.items()}
    figures: Figures = {name: dict.fromkeys(qrels, 0.0) for name in MEASURES}
    for found in ir_measures.iter_calc(list(names), judged, scores):
        figures[names[found.measure]][found.query_id] = float(found.value)
    return figures


def means(figures: Figures) -> dict[str, float]:
    """Return the mean of each measure over all judged queries."""
    return {name: sum(values.values()) / len(values) for name, values in figures.items()}
