"""A run of a job: it opens what the job needs, lets the worker go, and closes the job."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TypeVar

from opensearchpy import OpenSearch

from ..documents.sources import find_sources
from ..encoder import Encoder
from ..errors import MappingError
from ..layout.aliases import write_index
from ..layout.mapping import check_routing, ensure_index
from ..layout.pipeline import makes_impacts
from ..layout.records import find_impacts
from ..layout.settings import NewIndex
from ..paths import StrPath
from .actions import Target
from .bulk_load import bulk_loading, restore_left
from .chunk import Chunk, Outcome
from .dead_letters import DeadLetters
from .first_look import look_first
from .flight import Flight
from .former import check_alias_is_there, check_former_index
from .handle import IndexHandle
from .job import IngestOptions, Job, find_job, find_target, identify, state_folder
from .jobs import JobStatus, job_status
from .ledger import Ledger, Progress, Status, remove_abandoned, remove_ledger
from .merging import merge
from .patience import retried
from .pipelines import NONE
from .refreshing import refresh_at_end
from .scan import Scan
from .sender import Sender
from .snapshot import Counters
from .tally import Tally, open_tally
from .worker import Worker

log = logging.getLogger(__name__)

T = TypeVar("T")


def ingest(
    client: OpenSearch, encoder: Encoder, sources: Sequence[StrPath], options: IngestOptions
) -> "IngestRun":
    """Return a run that indexes the documents of `sources` as it is iterated over.

    It yields one outcome a document, in order, each when it is done for good. `ValueError` or
    `JobError` at once if a source is of no known format, or not there; `ValueError` too if more
    impacts are to be kept than the encoder gives.
    """
    files = find_sources(sources)
    options.cut.check(encoder)
    return IngestRun(client, encoder, files, options)


def find_status(
    client: OpenSearch, encoder: Encoder, sources: Sequence[StrPath], options: IngestOptions
) -> JobStatus | None:
    """Return how far the job of these sources is; None if there is none. Nothing is written.

    `MappingError` and `ModelMismatchError` if the index, or its field, is not there.
    """
    patience, stop = options.patience, Event()

    def find() -> Job:
        concrete = write_index(client, options.index)
        target = find_target(client, encoder, concrete, options.fields, options.cut)
        return find_job(client, target, find_sources(sources), options)

    return job_status(retried(find, patience, stop, is_first=True).ledger)


class IngestRun:
    """An iterator over outcomes, once; `counts` are those of the whole job.

    After a kill, the job goes on where it stopped, and `n_done_before` says how far that was.
    While iterating: `ModelMismatchError`, `MappingError`, `JobError`, `BulkError`; after each of
    them the same command goes on.
    """

    def __init__(
        self, client: OpenSearch, encoder: Encoder, sources: Sequence[str], options: IngestOptions
    ) -> None:
        self.client, self.encoder = client, encoder
        self.sources, self.options = list(sources), options
        self.n_done_before = 0
        self.ledger: Ledger | None = None
        self.worker: Worker | None = None
        self.dead_letters: Path | None = None
        self.stop = Event()

    @property
    def counts(self) -> dict[Status, int]:
        """The outcomes of the job so far."""
        return dict(self.ledger.progress.counts if self.ledger else Progress().counts)

    def counters(self) -> Counters:
        """Return what was counted so far; another thread may ask."""
        if self.worker is None:
            return Counters(index=self.options.index, model=self.encoder.name)
        return self.worker.counters()

    def __iter__(self) -> Iterator[Outcome]:
        """Yield the outcomes of the lines that are not done yet."""
        with ExitStack() as stack:
            self._patiently(self.client.info, is_first=True)
            created, job, target = self._patiently(self._prepare)
            handle = self._patiently(lambda: self._handle(target))
            scan = self._scan(target)
            ledger, letters = self._opened(stack, job, handle, scan, created=created)
            self._load_in_bulk(stack, job, handle)
            sender = self._patiently(lambda: self._sender(handle))
            flight = stack.enter_context(Flight[Chunk](sender, sender.gate.most))
            tally = self._patiently(lambda: self._tally(target, created=created))
            self.worker = Worker(
                encoder=self.encoder,
                sources=self.sources,
                options=self.options,
                handle=handle,
                target=target,
                flight=flight,
                ledger=ledger,
                letters=letters,
                tally=tally,
            )
            yield from self.worker.run()
            letters.check()
            scan.check()
            self._close(ledger, handle)
            tally.finish()
            if self.options.force_merge:
                merge(handle, self.options.force_merge)

    def _opened(
        self, stack: ExitStack, job: Job, handle: IndexHandle, scan: Scan, *, created: bool
    ) -> tuple[Ledger, DeadLetters]:
        """Return the files of the job, taken up where it stopped, until `stack` is closed."""
        self.dead_letters = job.dead_letters
        remove_abandoned(job.ledger.parent)
        stack.callback(_forget, job)
        ledger = stack.enter_context(Ledger.open(job.ledger))
        letters = stack.enter_context(DeadLetters.open(job.dead_letters))
        index = handle.uuid, scan.history_if_told()
        identity = identify(job, self.sources, index, self.options, created=created)
        if self.options.is_restarted:
            ledger.forget()
        known = ledger.known()
        self._patiently(lambda: check_former_index(handle, known, identity))
        named = {"index": self.options.index, "model": self.encoder.name}
        self._take_up(ledger, ledger.start(identity, letters.n_bytes, **named))
        letters.cut(ledger.progress.dead_bytes)
        return ledger, letters

    def _tally(self, target: Target, *, created: bool) -> Tally:
        return open_tally(
            self.client,
            target,
            self.encoder.n_latents,
            is_new=created,
            has_begun=self.n_done_before > 0,
        )

    def _patiently(self, step: Callable[[], T], *, is_first: bool = False) -> T:
        """Return what a step gives that may be repeated, done again while the cluster is ill."""
        return retried(step, self.options.patience, self.stop, is_first=is_first)

    def _is_new(self) -> bool:
        """Return whether no index behind the name has impacts of these fields."""
        try:
            find_impacts(self.client, self.options.index, self.options.fields, self.encoder)
        except MappingError:
            return True
        return False

    def _prepare(self) -> tuple[bool, Job, Target]:
        """Return whether the index had to be made, the job, and where its impacts go."""
        index, fields = self.options.index, self.options.fields
        look_first(self.sources, fields, is_new=self._is_new())
        cut, scoring = self.options.cut, self.options.scoring
        if not self.options.is_restarted:
            check_alias_is_there(self.client, index, state_folder(self.options))
        created = ensure_index(
            self.client,
            index,
            self.encoder,
            fields,
            cut=cut,
            scoring=scoring,
            wanted=NewIndex(self.options.settings, self.options.compact),
        )
        concrete = write_index(self.client, index)
        check_routing(self.client, concrete, index)
        target = find_target(self.client, self.encoder, concrete, fields, cut)
        return created, find_job(self.client, target, self.sources, self.options), target

    def _take_up(self, ledger: Ledger, reason: str) -> None:
        self.ledger = ledger
        self.n_done_before = sum(self.counts.values())
        if reason:
            log.info("job=%s from the start: %s", ledger.path.stem, reason)
        else:
            log.info("job=%s goes on after %d documents", ledger.path.stem, self.n_done_before)

    def _load_in_bulk(self, stack: ExitStack, job: Job, handle: IndexHandle) -> None:
        """Have the index load in bulk until `stack` is closed; else mend what a kill left of it."""
        if self.options.bulk_load:
            stack.enter_context(bulk_loading(handle, job.ledger.parent))
        else:
            restore_left(handle, job.ledger.parent)

    def _handle(self, target: Target) -> IndexHandle:
        options = self.options
        return IndexHandle(self.client, options.index, target, options.patience, self.stop)

    def _scan(self, target: Target) -> Scan:
        """Return what tells whether the index is put back to an earlier state."""
        patience = self.options.patience
        return Scan(self.client, target.index, (), patience=patience, stop=self.stop)

    def _sender(self, handle: IndexHandle) -> Sender:
        bulk = handle.with_most_requests(self.options.bulk)
        default = handle.settings.get("index.default_pipeline", NONE)
        if bulk.pipeline is None and makes_impacts(self.client, default, handle.field):
            bulk = replace(bulk, pipeline=NONE)  # ours are for other writers: half the rate
        return Sender(self.client, handle, bulk, self.options.patience, self.stop)

    def _close(self, ledger: Ledger, handle: IndexHandle) -> None:
        """Finish the job."""
        handle.check()
        handle.keep_record()
        refresh_at_end(self.client, handle.index, self.options.patience, self.stop)
        ledger.finish()


def _forget(job: Job) -> None:
    """Remove the ledger of a job that cannot go on: its source was a pipe."""
    if not job.can_resume:
        remove_ledger(job.ledger)
