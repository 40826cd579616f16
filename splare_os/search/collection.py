"""The statistics of the collection that is searched: read from the cluster seldom, remembered."""

import logging
import time
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch

from ..encoder import Encoder, own_prior
from ..layout.statistics import kept_statistics
from ..layout.view import Headers
from ..statistics import Statistics

log = logging.getLogger(__name__)

MAX_AGE_S = 60.0
"""How long statistics are trusted before they are read again."""

Place: TypeAlias = tuple[frozenset[str], str]
"""Concrete indices and the field."""


class Collection:
    """The statistics that one client reads, each at most `max_age_s` old."""

    def __init__(self, client: OpenSearch, max_age_s: float = MAX_AGE_S) -> None:
        if not max_age_s >= 0:
            raise ValueError(f"max_age_s={max_age_s}: give seconds of at least 0")
        self._client, self._max_age_s = client, max_age_s
        self._known: dict[Place, tuple[float, NDArray[np.float64]]] = {}

    def idf(
        self, indices: Iterable[str], field: str, encoder: Encoder, headers: Headers | None = None
    ) -> NDArray[np.float64]:
        """Return the idf [latent] of the documents in all of `indices` together.

        Statistics of another model do not count. Until there are many documents, the prior that
        comes with the model counts too; where nothing is known, all latents weigh the same.
        """
        place, now = (frozenset(indices), field), time.monotonic()
        read_at, found = self._known.get(place, (-np.inf, None))
        if found is None or now - read_at > self._max_age_s:
            found = self._read(place, encoder, headers or {})
            fresh = {key: one for key, one in self._known.items() if now - one[0] < self._max_age_s}
            self._known = fresh | {place: (now, found)}
        return found

    def _read(self, place: Place, encoder: Encoder, headers: Headers) -> NDArray[np.float64]:
        indices, field = place
        kept = kept_statistics(self._client, sorted(indices), field, headers=headers)
        total = Statistics.none(encoder.n_latents)
        for index in sorted(indices):
            if index in kept and kept[index].is_of(encoder.fingerprint, encoder.n_latents):
                total = total + kept[index].statistics
            else:
                log.info("no statistics index=%s field=%s: take them", index, field)
        return total.with_prior(own_prior(encoder)).idf()
