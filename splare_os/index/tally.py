"""The statistics of a field while a worker writes to it: counted as chunks land, kept now and then.

The count is exact for an index that the run fills from nothing, each id once. Elsewhere it may
drift; at the end of a run that changed much, statistics are taken from the index.
"""

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from opensearchpy import OpenSearch, TransportError

from ..errors import MappingError
from ..impacts import from_features
from ..layout.statistics import Kept, keep_statistics
from ..statistics import Statistics
from .actions import Target
from .chunk import Chunk
from .counting import take_statistics
from .replies import Verdict

log = logging.getLogger(__name__)

KEEP_EVERY_S = 30.0
"""Seconds after which statistics are kept again."""

MUCH = 0.1
"""Share of the documents that makes statistics old when so many have come or changed."""

LEAST_PAUSE_S = 1.0
"""A collection that grows from nothing is not written about more often than this."""


class Tally:
    """Counts what lands in one field.

    `known` are its statistics so far; None where nobody took any. `is_new`: the field was empty.
    """

    def __init__(
        self,
        client: OpenSearch,
        target: Target,
        n_latents: int,
        known: Statistics | None,
        *,
        is_new: bool,
    ) -> None:
        self.client, self.target, self.n_latents = client, target, n_latents
        self.statistics = known or Statistics.none(n_latents)
        self.is_known, self.is_exact = is_new or known is not None, is_new
        self.n_written = 0
        self._kept_written, self._kept_at = 0, time.monotonic()

    def add(self, chunk: Chunk, verdicts: Sequence[Verdict]) -> None:
        """Count a chunk that landed."""
        self.statistics = self.statistics + change(chunk, verdicts, self.n_latents)
        self.n_written += len(chunk.actions)
        self.is_exact &= not any(entry.is_repeat for entry in chunk.entries)

    def keep_if_due(self) -> None:
        """Keep the statistics if those kept are old, or a tenth of the documents has changed."""
        waited_s = time.monotonic() - self._kept_at
        changed = self.n_written - self._kept_written
        has_much = changed > MUCH * self.statistics.documents
        if changed and (waited_s > KEEP_EVERY_S or (has_much and waited_s > LEAST_PAUSE_S)):
            self.keep()

    def keep(self, sampled: int | None = None) -> None:
        """Keep the statistics in the cluster; where that is not allowed, the log tells."""
        self._kept_written, self._kept_at = self.n_written, time.monotonic()
        target = self.target
        kept = Kept(self.statistics, target.fingerprint, datetime.now(UTC), sampled)
        try:
            keep_statistics(self.client, target.index, target.field, kept)
        except (TransportError, MappingError) as error:
            log.warning("statistics of index=%s cannot be kept: %s", target.index, error)

    def finish(self) -> None:
        """Keep the statistics of the whole field, from the index where the count may be off."""
        has_drifted = not self.is_exact and self.n_written > MUCH * self.statistics.documents
        if self.is_known and not has_drifted:
            if self.n_written:
                self.keep()
            return
        target = self.target
        try:
            taken = take_statistics(self.client, target.index, target.field, self.n_latents)
        except (TransportError, MappingError) as error:
            log.warning("statistics of index=%s cannot be taken: %s", target.index, error)
            return
        self.statistics = taken.statistics
        self.keep(taken.sampled)


def change(chunk: Chunk, verdicts: Sequence[Verdict], n_latents: int) -> Statistics:
    """Return by how much a chunk changed the statistics: what came, less what it replaced.

    An id that came before in the same run counts as it did then.
    """
    stored = [
        at
        for at, refusal in zip(chunk.actions, verdicts, strict=True)
        if refusal is None and not chunk.entries[at].is_repeat
    ]
    rows = [chunk.rows[at] for at in stored if at in chunk.rows]
    came = Statistics.of(chunk.made.impacts[rows]) if rows else Statistics.none(n_latents)
    length = float(chunk.made.lengths[rows].sum(dtype=np.float64))
    before = [chunk.earlier[at] for at in stored if at in chunk.earlier]
    went = _statistics_of(before, n_latents)
    return Statistics(
        len(stored) - went.documents,
        came.document_frequency - went.document_frequency,
        length - went.length,
    )


def _statistics_of(objects: Sequence[dict[str, object]], n_latents: int) -> Statistics:
    if not objects:
        return Statistics.none(n_latents)
    found = [one.get("impacts") for one in objects]
    impacts = from_features([one if isinstance(one, dict) else {} for one in found], n_latents)
    lengths = [one.get("length") for one in objects]
    length = sum(float(one) for one in lengths if isinstance(one, int | float))
    return Statistics(len(objects), Statistics.of(impacts).document_frequency, length)
