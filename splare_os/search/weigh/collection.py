"""The statistics of the collection that is searched: read from the cluster seldom, remembered."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch

from ...encoder import Encoder, own_prior
from ...errors import StatisticsError
from ...layout.statistics import kept_statistics
from ...layout.view import Headers
from ...statistics import Statistics
from .check import credentials

log = logging.getLogger(__name__)

MAX_AGE_S = 60.0
"""How long statistics are trusted before they are read again."""

AGAIN_S = 5.0
"""How long is waited after statistics could not be read."""

Place: TypeAlias = tuple[frozenset[str], str, str]
"""Concrete indices, the field, and who asks: another user may read more."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a collection: the idf [latent], and how many documents there are."""

    idf: NDArray[np.float64]
    documents: float


class Collection:
    """The statistics that one client reads, each at most `max_age_s` old."""

    def __init__(self, client: OpenSearch, max_age_s: float = MAX_AGE_S) -> None:
        if not max_age_s >= 0:
            raise ValueError(f"max_age_s={max_age_s}: give seconds of at least 0")
        self._client, self._max_age_s = client, max_age_s
        self._known: dict[Place, tuple[Known, float]] = {}

    def known(
        self, indices: Iterable[str], field: str, encoder: Encoder, headers: Headers | None = None
    ) -> Known:
        """Return what is known of the documents in all of `indices` together.

        Statistics of another model do not count. Until there are many documents, the prior that
        comes with the model counts too; where nothing is known, all latents weigh the same. Where
        statistics cannot be read, what was known of them stays, and the log tells.
        """
        place = frozenset(indices), field, credentials(headers or {})
        now = time.monotonic()
        known, until = self._known.get(place, (None, now))
        if known is not None and now <= until:
            return known
        try:
            found, until = self._read(place, encoder, headers or {}), now + self._max_age_s
        except StatisticsError as error:
            log.warning("%s; what was known before stays", error)
            found = known or _known(Statistics.none(encoder.n_latents), encoder)
            until = now + min(AGAIN_S, self._max_age_s)
        good = {key: one for key, one in self._known.items() if now <= one[1]}
        self._known = good | {place: (found, until)}
        return found

    def _read(self, place: Place, encoder: Encoder, headers: Headers) -> Known:
        indices, field, _ = place
        kept = kept_statistics(self._client, sorted(indices), field, headers=headers)
        total = Statistics.none(encoder.n_latents)
        for index in sorted(indices):
            if index in kept and kept[index].is_of(encoder.fingerprint, encoder.n_latents):
                total = total + kept[index].statistics
            else:
                log.info("no statistics index=%s field=%s: take them", index, field)
        return _known(total, encoder)


def _known(statistics: Statistics, encoder: Encoder) -> Known:
    return Known(statistics.with_prior(own_prior(encoder)).idf(), statistics.documents)
