"""What a few judged documents add to a query: nDCG@10 before and after, without those documents.

python -m benchmarks.feedback DATA… takes folders in BEIR form. For each query the best-ranked
relevant documents (`--liked`) and, if asked for, the best-ranked others (`--disliked`) are judged,
as a user would among the hits; they are taken out of both rankings and of the judgements (the
residual collection), and what is left is measured. Queries with nothing left to find do not count.
Impacts are those that `splare-os evaluate` keeps.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import TypeAlias

import click
import numpy as np
from numpy.typing import NDArray

from splare_os.encode.load import load_encoder
from splare_os.encode.quiet import quieten_transformers
from splare_os.evaluate.comparison import compare
from splare_os.evaluate.datasets import Qrels, names, read_dataset
from splare_os.evaluate.measures import means, measure
from splare_os.evaluate.runs import Hits, Run
from splare_os.impacts import Impacts, prune, stored
from splare_os.scoring import B, Saturation, weighed
from splare_os.search.steer.feedback import Feedback

from .scoring import Collection, read_collection

BEFORE = "before"
DEPTH = 100
"""Hits that a user would look at for those that are judged."""

NDCG = "ndcg@10"
BETAS, GAMMAS, TOP_KS = (0.5, 0.75, 1.0, 2.0, 4.0), (0.0, 0.15, 0.5), (40, 100, 200)

Row: TypeAlias = dict[str, str | int | float | None]

Judged: TypeAlias = tuple[list[int], list[int]]
"""Places of liked and of disliked documents."""


@dataclass(frozen=True)
class Space:
    """A collection as it scores: documents saturated, queries weighed by idf, not yet cut."""

    one: Collection
    documents: Impacts
    vectors: Impacts
    queries: Impacts

    @classmethod
    def of(cls, one: Collection) -> "Space":
        """Return a collection with its default calibration."""
        kept = stored(Saturation(b=B, mean_length=one.mean_length).of(one.documents))
        idf = one.statistics.idf()
        return cls(one, kept, weighed(kept, idf), weighed(one.queries, idf))

    def scores(self, weights: Impacts) -> NDArray[np.float32]:
        """Return the scores [document] of one query."""
        scores: NDArray[np.float32] = (self.documents @ weights.T).toarray()[:, 0]
        return scores

    def plain(self, row: int) -> Impacts:
        """Return the weights of a query as it is searched without feedback."""
        return prune(self.queries[[row]], self.one.top_k)


def judge(scores: NDArray[np.float32], relevant: set[int], n: tuple[int, int]) -> Judged:
    """Return the best-ranked relevant documents, and the best-ranked others, as many as asked."""
    order = np.argsort(-scores, kind="stable")[:DEPTH].tolist()
    liked = [place for place in order if place in relevant][: n[0]]
    return liked, [place for place in order if place not in relevant][: n[1]]


def runs(
    space: Space, n: tuple[int, int], ways: Mapping[str, Feedback]
) -> tuple[Qrels, dict[str, Run]]:
    """Return residual judgements, and the residual run of each way; `BEFORE` is without any."""
    places = {name: place for place, name in enumerate(space.one.ids)}
    qrels: Qrels = {}
    found: dict[str, Run] = {way: {} for way in (BEFORE, *ways)}
    for row, (query, grades) in enumerate(space.one.data.qrels.items()):
        relevant = {places[name] for name, grade in grades.items() if grade > 0 and name in places}
        before = space.scores(space.plain(row))
        liked, disliked = judge(before, relevant, n)
        left = {space.one.ids[place] for place in relevant - set(liked)}
        if len(liked) < n[0] or len(disliked) < n[1] or not left:
            continue
        qrels[query] = {name: grade for name, grade in grades.items() if name in left}
        for way in found:
            scores = before
            if way != BEFORE:
                examples = space.vectors[liked], space.vectors[disliked]
                scores = space.scores(ways[way].of(space.queries[[row]], *examples))
            found[way][query] = _hits(scores, [*liked, *disliked], space.one.ids)
    return qrels, found


def _hits(scores: NDArray[np.float32], removed: Sequence[int], ids: Sequence[str]) -> Hits:
    kept = scores.copy()
    kept[list(removed)] = 0
    best = np.argsort(-kept, kind="stable")[:DEPTH]
    return {ids[place]: float(kept[place]) for place in best.tolist() if kept[place] > 0}


def figures(space: Space, n: tuple[int, int], ways: Mapping[str, Feedback]) -> Iterator[Row]:
    """Yield a row for each way: nDCG@10 before and after, and a paired test."""
    qrels, found = runs(space, n, ways)
    measured = {way: measure(qrels, run) for way, run in found.items()}
    before = means(measured[BEFORE])[NDCG]
    for way in ways:
        tested = compare(BEFORE, measured[BEFORE], measured[way])
        yield {
            "dataset": space.one.name,
            "liked": n[0],
            "disliked": n[1],
            "way": way,
            "queries": len(qrels),
            "before": round(before, 4),
            "after": round(means(measured[way])[NDCG], 4),
            "p_value": None if tested.p_value is None else float(f"{tested.p_value:.2g}"),
            "wins": tested.wins,
            "losses": tested.losses,
        }


def grid(*, disliked: bool) -> dict[str, Feedback]:
    """Return the ways that the defaults were chosen from."""
    gammas = GAMMAS if disliked else GAMMAS[:1]
    ways = [Feedback("rocchio", 1.0, *chosen) for chosen in product(BETAS, gammas, TOP_KS)]
    if disliked:
        ways += [Feedback("contrast", 1.0, beta, 0.0, k) for beta, k in product(BETAS, TOP_KS)]
    return {json.dumps(asdict(way)): way for way in ways}


@click.command()
@click.argument("data", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--model", default="mini", show_default=True)
@click.option("--liked", multiple=True, type=int, default=(1, 2, 3), show_default=True)
@click.option("--disliked", default=0, show_default=True, help="Others that are judged too.")
@click.option("--grid", "is_grid", is_flag=True, help="All the ways, to choose defaults by.")
def main(
    data: Sequence[Path], model: str, liked: Sequence[int], disliked: int, is_grid: bool
) -> None:
    """Measure feedback on the data sets in DATA: a line of JSON for each set, number and way."""
    quieten_transformers()
    encoder = load_encoder(model)
    own = {"rocchio": Feedback(), "rocchio, beta 0.75": Feedback(beta=0.75)}
    if disliked:
        own["contrast"] = Feedback("contrast")
    ways = grid(disliked=disliked > 0) if is_grid else own
    for folder, name in zip(data, names(data), strict=True):
        space = Space.of(read_collection(encoder, read_dataset(folder, name)))
        for n in liked:
            for row in figures(space, (n, disliked), ways):
                click.echo(json.dumps(row))


if __name__ == "__main__":
    main()
