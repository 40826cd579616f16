"""Weights of a hybrid, learned from judgements: tried on some queries, reported on the others."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ..encoder import Encoder
from ..errors import EvaluationError
from ..paths import StrPath
from ..search.fusion.fusion import Fusion
from .comparison import TESTED, p_value
from .datasets import Qrels
from .measures import measure
from .results import DECIMALS
from .runs import Run, fuse_runs

FOLDS = 5
"""Parts of the queries: each is searched with the weight that is best for the others."""

TRIED = tuple(step / 20 for step in range(21))
"""Weights of words that are tried; latents have the rest."""

ByQuery: TypeAlias = Mapping[str, float]


@dataclass(frozen=True)
class Judged:
    """What words and what latents find in a data set, and its judgements."""

    dataset: str
    words: Run
    latents: Run
    qrels: Qrels

    def fused(self, fusion: Fusion) -> Run:
        """Return the run of both."""
        return fuse_runs([self.words, self.latents], fusion)

    def figures(self, fusion: Fusion) -> ByQuery:
        """Return the tested measure of each query."""
        return measure(self.qrels, self.fused(fusion))[TESTED]


def weighted(words: float) -> Fusion:
    """Return the weighted sum in which words have this weight."""
    return Fusion("weighted", weights=(words, round(1 - words, 10)))


def best_weight(tried: Mapping[float, ByQuery], queries: Sequence[str]) -> float:
    """Return the weight of words whose mean over `queries` is largest; of equal ones, nearest 0.5.

    >>> best_weight({0.0: {"q": 0.5}, 0.5: {"q": 0.5}, 1.0: {"q": 0.25}}, ["q"])
    0.5
    """
    means = {weight: sum(found[query] for query in queries) for weight, found in tried.items()}
    return max(means, key=lambda weight: (round(means[weight], 9), -abs(weight - 0.5)))


def held_out(judged: Judged) -> tuple[Run, list[float]]:
    """Return the run in which no query is searched with a weight that it helped to choose.

    And the weight of each fold. `EvaluationError` where there are too few queries to leave some
    out.
    """
    queries = sorted(judged.qrels)
    if len(queries) < 2 * FOLDS:
        raise EvaluationError(
            f"{judged.dataset}: {len(queries)} judged queries are too few to fit weights, which "
            f"takes at least {2 * FOLDS}"
        )
    tried = {weight: judged.figures(weighted(weight)) for weight in TRIED}
    run: Run = {}
    weights = []
    for fold in range(FOLDS):
        left_out = set(queries[fold::FOLDS])
        weights.append(best_weight(tried, [one for one in queries if one not in left_out]))
        fused = judged.fused(weighted(weights[-1]))
        run |= {query: hits for query, hits in fused.items() if query in left_out}
    return {query: run[query] for query in judged.qrels if query in run}, weights


def save_fit(path: StrPath, encoder: Encoder, all_judged: Sequence[Judged]) -> None:
    """Write the fusion with the weight that is best for all queries, and how it was found.

    Of several data sets, each counts alike. `splare_os.search.read_fusion` reads it.
    """
    means: dict[float, ByQuery] = {}
    for weight in TRIED:
        found = [judged.figures(weighted(weight)) for judged in all_judged]
        figures = {
            judged.dataset: _mean(one) for judged, one in zip(all_judged, found, strict=True)
        }
        means[weight] = figures
    best = weighted(best_weight(means, [judged.dataset for judged in all_judged]))
    fitted = {
        "model": encoder.name,
        "fingerprint": encoder.fingerprint,
        "measure": TESTED,
        "folds": FOLDS,
        "datasets": [_told(judged) for judged in all_judged],
    }
    content = best.to_json() | {"fitted": fitted}
    written = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    Path(path).write_text(written, encoding="utf-8")


def _told(judged: Judged) -> dict[str, object]:
    """Return the held-out figures of a data set, beside those of reciprocal rank fusion."""
    run, weights = held_out(judged)
    ours = measure(judged.qrels, run)[TESTED]
    theirs = judged.figures(Fusion())
    differences = {query: value - theirs[query] for query, value in ours.items()}
    return {
        "dataset": judged.dataset,
        "queries": len(judged.qrels),
        "weights_of_words": weights,
        "held_out": round(_mean(ours), DECIMALS),
        "rrf": round(_mean(theirs), DECIMALS),
        "p_value": p_value(differences),
    }


def _mean(figures: ByQuery) -> float:
    return sum(figures.values()) / len(figures)
