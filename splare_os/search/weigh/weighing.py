"""How queries weigh latents in the indices at hand, and what impacts of documents go through."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import MappingError
from ...impacts import Impacts, prune
from ...layout.records import FieldRecord
from ...scoring import K1, Saturation, Scoring, check_scoring, weighed
from .collection import Known
from .queries import Queries


@dataclass(frozen=True)
class Weighing:
    """What makes a score of impacts: `idf` [latent] of a query's latents, `k1` of a document's.

    `idf` None: a query's impacts count as they are. `k1` None: so do those of documents, which
    the index has saturated if that is asked for. `documents`: how many there are, where statistics
    are read.
    """

    idf: NDArray[np.float64] | None = None
    k1: float | None = None
    documents: float | None = None

    @property
    def shares(self) -> NDArray[np.float64] | None:
        """The share of documents [latent] that show each, as idf tells; None: not known."""
        return None if self.idf is None else np.exp(-self.idf)

    def weights(self, queries: Queries) -> Impacts:
        """Return the weights [text, latent] of queries, cut to the heaviest.

        Common latents, whose postings cost most, are those that go first.
        """
        whole = self.whole(queries.impacts)
        return whole if queries.top_k is None else prune(whole, queries.top_k)

    def whole(self, impacts: Impacts) -> Impacts:
        """Return the weights [text, latent] that impacts of queries have before they are cut."""
        return impacts if self.idf is None else weighed(impacts, self.idf)


def weighing(
    records: Mapping[str, FieldRecord], scoring: Scoring, known: Callable[[], Known]
) -> Weighing:
    """Return how `scoring` weighs in the indices that have these records of one field.

    `known` is asked where it is needed. Plain impacts are saturated by the cluster, without regard
    to length. `MappingError` where indices differ in what they store, and for dot products of
    impacts that the index has saturated.
    """
    check_scoring(scoring)
    saturation = common_saturation(records)
    if scoring == "calibrated":
        k1 = K1 if records and saturation is None else None
        found = known()
        return Weighing(found.idf, k1, found.documents)
    if saturation is not None:
        raise MappingError(
            f"scoring='dot': {', '.join(sorted(records))} keeps saturated impacts, whose dot "
            "product is another. Search with scoring='calibrated', or index anew for 'dot'"
        )
    return Weighing()


def common_saturation(records: Mapping[str, FieldRecord]) -> Saturation | None:
    """Return what impacts of all these indices went through; `MappingError` if they differ."""
    kinds = [record.saturation for record in records.values()]
    first = next(iter(kinds), None)
    if any(kind is not first and not (first and first.is_like(kind)) for kind in kinds):
        stored = ", ".join(f"{name}: {record.saturation}" for name, record in records.items())
        raise MappingError(
            f"indices that are searched together store impacts differently ({stored}), so that "
            "their scores do not compare: index the older ones anew, or search one of a kind"
        )
    return first
