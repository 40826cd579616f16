"""The impacts fields of a cluster, as its records and statistics tell: read by a model server."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from opensearchpy import OpenSearch, OpenSearchException

from ..encoder import Encoder
from ..errors import SplareError, StatisticsError
from ..layout.records import FieldRecord, FoundImpacts
from ..layout.view import PLAIN
from ..scoring import Scoring
from ..search.weigh.check import ModelCheck
from ..search.weigh.collection import Collection
from ..search.weigh.weighing import Weighing, weighing
from .refusal import Refusal, later

T = TypeVar("T")


class Fields:
    """The impacts fields of one cluster, as `encoder` may fill and search them.

    A record is trusted for half a minute, statistics for a minute.
    """

    def __init__(self, client: OpenSearch) -> None:
        self._check, self._collection = ModelCheck(client), Collection(client)

    def record(self, index: str, field: str, encoder: Encoder) -> FieldRecord:
        """Return how impacts of the text field `field` are stored; `Refusal` if by another model.

        Behind an alias all indices must store them alike.
        """
        records = self._found(index, field, encoder).records
        first, *others = records.values()
        if any((one.cut, one.saturation) != (first.cut, first.saturation) for one in others):
            names = ", ".join(sorted(records))
            raise Refusal(409, "Model", f"{names} store impacts differently: name one of them")
        return first

    def weighing(self, index: str, field: str, encoder: Encoder) -> Weighing:
        """Return how queries weigh: calibrated where the index saturates impacts, else plainly."""
        found = self._found(index, field, encoder)
        known = partial(self._collection.known, found.records, found.name, encoder)
        first = next(iter(found.records.values()))
        scoring: Scoring = "dot" if first.saturation is None else "calibrated"
        return self._told(lambda: weighing(found.records, scoring, known))

    def _found(self, index: str, field: str, encoder: Encoder) -> FoundImpacts:
        return self._told(lambda: self._check(index, {}, field, encoder, PLAIN))

    def _told(self, ask: Callable[[], T]) -> T:
        """Return what the cluster tells; `Refusal` says what it does not."""
        try:
            return ask()
        except (OpenSearchException, StatisticsError) as error:
            reason = f"the cluster does not tell of its fields: {error}"
            raise later(503, "Cluster", reason) from error
        except (SplareError, ValueError) as error:
            raise Refusal(409, "Model", str(error)) from error
