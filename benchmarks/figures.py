"""What timed searches say: percentiles, ratios to the exact way, and what is found."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, TypeAlias

from splare_os.evaluate.datasets import Qrels
from splare_os.evaluate.measures import means, measure

from .timing import Timed, percentiles, ratio

EXACT = "exact"
"""The way that others are compared with."""

Figures: TypeAlias = dict[str, Any]


def figures(
    found: Sequence[Timed[str]],
    qrels: Qrels,
    read: Mapping[str, float | None],
    of: tuple[int, str],
) -> list[Figures]:
    """Return a line for each way: milliseconds, the ratio to exact, recall and nDCG of ten hits.

    `read` are postings a document; `of` is how many documents there are, and how merged.
    """
    lists = {(one.kind, one.query): one.found.ids for one in found}
    lines = []
    for kind in dict.fromkeys(one.kind for one in found):
        own = [one for one in found if one.kind == kind]
        told, quotient = {query: lists[kind, query] for query in qrels}, ratio(found, kind, EXACT)
        best = {query: lists[EXACT, query] for query in qrels}
        run = {
            query: {name: -float(rank) for rank, name in enumerate(ids)}
            for query, ids in told.items()
        }
        lines.append(
            {
                "documents": of[0],
                "state": of[1],
                "way": kind,
                "took": percentiles(one.found.took for one in own),
                "wall": percentiles(one.wall for one in own),
                "to_exact": [quotient.median, quotient.low, quotient.high],
                "recall@10": fmean(_overlap(told[query], best[query]) for query in qrels),
                "ndcg@10": means(measure(qrels, run))["ndcg@10"],
                "postings": read.get(kind),
            }
        )
    return lines


def _overlap(found: Sequence[str], best: Sequence[str]) -> float:
    """Return which part of the best hits was found.

    >>> _overlap(("a", "b"), ("b", "c"))
    0.5
    """
    return len(set(found) & set(best)) / len(best) if best else 1.0
