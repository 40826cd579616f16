"""What a query's weights go through before they are cut: documents first, then latents by hand.

After idf, so that amounts are of what scores in this collection; before the cut, so that a latent
that is boosted comes in, and one that is muted leaves its place to others.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from ...impacts import Impacts, prune
from ...scoring import Saturation
from ...steering import Steering
from ..query.query import Dsl
from ..weigh.queries import Queries
from ..weigh.weighing import Weighing
from .example_impacts import ExampleImpacts, Place
from .examples import Examples
from .feedback import Feedback


@dataclass(frozen=True)
class Moved:
    """Weights [document, latent] of documents that move a query, and those that are no hits."""

    liked: Impacts
    disliked: Impacts
    feedback: Feedback = field(default_factory=Feedback)
    left_out: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Control:
    """What steers one query; none of both leaves it as it is."""

    steering: Steering | None = None
    moved: Moved | None = None

    def weights(self, weighing: Weighing, queries: Queries) -> Impacts:
        """Return the weights [1, latent] of a query, cut to the heaviest."""
        whole, top_k = weighing.whole(queries.impacts), queries.top_k
        if self.moved is not None:
            feedback = self.moved.feedback
            whole = feedback.of(whole, self.moved.liked, self.moved.disliked)
            top_k = feedback.top_k
        if self.steering is not None:
            whole = self.steering.of(whole)
        return whole if top_k is None else prune(whole, top_k)

    def query(self, clause: Dsl) -> Dsl:
        """Return a query that does not find what is left out."""
        if self.moved is None or not self.moved.left_out:
            return clause
        return {"bool": {"must": [clause], "must_not": _places(self.moved.left_out)}}


NO_CONTROL = Control()


def moved_by(examples: Examples, weighing: Weighing, read: ExampleImpacts) -> Moved | None:
    """Return what examples make of a query that is weighed in this way; None for no examples."""
    if not examples:
        return None
    (liked, places), (disliked, _) = read(examples.like), read(examples.unlike)
    left_out = () if examples.include else tuple(sorted(set(places)))
    as_scored = (_as_scored(liked, weighing), _as_scored(disliked, weighing))
    return Moved(*as_scored, examples.feedback, left_out)


def _as_scored(impacts: Impacts, weighing: Weighing) -> Impacts:
    """Return documents' impacts saturated as the cluster does it, and weighed like a query's."""
    saturated = impacts if weighing.k1 is None else Saturation(weighing.k1).of(impacts)
    return weighing.whole(saturated)


def _places(places: Iterable[Place]) -> list[Dsl]:
    queries = []
    for index, own in groupby(places, key=itemgetter(0)):
        names = {"ids": {"values": [name for _, name in own]}}
        queries.append({"bool": {"filter": [{"term": {"_index": index}}, names]}})
    return queries
