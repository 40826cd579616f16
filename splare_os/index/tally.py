"""The statistics of a field while a worker writes to it: counted as chunks land, kept now and then.

The count is exact for an index that one run fills from nothing, each id once. Elsewhere it may
drift: at the end it is held against the index, and taken anew from there if it is off.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Thread

from opensearchpy import OpenSearch

from ..errors import StatisticsError
from ..layout.field import statistics_of
from ..layout.statistics import Kept, forget_statistics, keep_statistics, kept_statistics
from ..statistics import Statistics
from .actions import Target
from .chunk import Chunk
from .counting import count_documents, take_statistics
from .patience import FAILURES
from .replies import Verdict

log = logging.getLogger(__name__)

KEEP_EVERY_S = 30.0
"""Seconds after which statistics are kept again."""

MUCH = 0.1
"""Share of the documents that makes statistics old when so many have come or changed."""

OFF = 0.01
"""Share of the documents by which the count may differ from the index."""

LEAST_PAUSE_S = 1.0
"""A collection that grows from nothing is not written about more often than this."""


class Tally:
    """Counts what lands in one field.

    `known` are its statistics so far, None where none are known. `is_new`: the field was empty.
    """

    def __init__(
        self,
        client: OpenSearch,
        target: Target,
        n_latents: int,
        known: Kept | None,
        *,
        is_new: bool,
    ) -> None:
        self.client, self.target, self.n_latents = client, target, n_latents
        self.statistics = known.statistics if known else Statistics.none(n_latents)
        self.sampled = known.sampled if known else None
        self.is_exact, self.n_written = is_new, 0
        self._kept_written, self._kept_at = 0, time.monotonic()
        self._keeper = Thread()

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
        is_due = waited_s > KEEP_EVERY_S or (has_much and waited_s > LEAST_PAUSE_S)
        if changed and is_due and not self._keeper.is_alive():
            self._keeper = Thread(target=self.keep, name="splare-keep", daemon=True)
            self._keeper.start()  # a busy cluster must not hold up the next chunk

    def keep(self) -> None:
        """Keep the statistics in the cluster; where that is not allowed, the log tells."""
        self._kept_written, self._kept_at = self.n_written, time.monotonic()
        target = self.target
        made = target.fingerprint, datetime.now(UTC), self.sampled, target.model
        kept = Kept(self.statistics, *made)
        with _told(target):
            keep_statistics(self.client, target.index, target.field, kept)

    def finish(self) -> None:
        """Keep the statistics of the whole field; taken from the index if the count is off.

        It is where another job writes to the index too, or where a worker was killed before it
        kept what it had counted. Documents can be searched by now.
        """
        if self._keeper.is_alive():
            self._keeper.join()
        with _told(self.target):
            if self._is_off():
                where = self.target.index, self.target.field
                taken = take_statistics(self.client, *where, self.n_latents)
                self.statistics, self.sampled = taken.statistics, taken.sampled
                self.n_written = 0
            elif not self.n_written:
                return
            self.keep()

    def _is_off(self) -> bool:
        there = count_documents(self.client, self.target.index, self.target.field)
        if abs(there - self.statistics.documents) > OFF * there:
            return True
        return not self.is_exact and self.n_written > MUCH * there


def open_tally(
    client: OpenSearch, target: Target, n_latents: int, *, is_new: bool, has_begun: bool
) -> Tally:
    """Return what counts a field's statistics, from those that are kept on.

    `is_new`: the index was made for it; `has_begun`: something may be there that cannot be searched
    yet.
    """
    index, field = target.index, target.field
    is_new = is_new or not (has_begun or count_documents(client, index, field))
    if is_new:  # what is kept is of an index of the same name, gone since
        forget_statistics(client, index, field)
        return Tally(client, target, n_latents, None, is_new=True)
    try:
        kept = kept_statistics(client, [index], field).get(index)
    except StatisticsError as error:
        log.warning("%s; they are taken anew at the end", error)
        kept = None
    known = kept if kept and kept.is_of(target.fingerprint, n_latents) else None
    return Tally(client, target, n_latents, known, is_new=False)


@contextmanager
def _told(target: Target) -> Iterator[None]:
    """Tell the log of statistics that fail: documents are indexed all the same."""
    try:
        yield
    except (*FAILURES, StatisticsError) as error:
        log.warning("statistics of index=%s cannot be kept: %s", target.index, error)


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
    length = float(chunk.made.lengths[rows].sum(dtype="float64"))
    before = [chunk.earlier[at] for at in stored if at in chunk.earlier]
    went = statistics_of(before, n_latents)
    return Statistics(
        len(stored) - went.documents,
        came.document_frequency - went.document_frequency,
        length - went.length,
    )
