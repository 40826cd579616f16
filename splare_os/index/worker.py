"""The worker: reads, encodes and sends at the same time, and can be killed at any instant.

One thread (the caller's) reads, encodes and keeps the ledger; others look up what the index
holds and send. The ledger advances over a gap-free prefix of lines: what is done is done, what
is not will be done again, under the same ids.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TypeVar

from opensearchpy import OpenSearch

from ..documents.document import Document
from ..documents.sources import find_sources, read_documents
from ..encoder import Encoder
from ..errors import BulkError
from ..layout.cut import check_top_k
from ..layout.mapping import ensure_index, write_index
from ..layout.pipeline import PIPELINE
from .actions import Stored, Target
from .chunk import Chunk, Entry, Outcome, make_chunk
from .dead_letters import DeadLetters
from .flight import Flight
from .handle import IndexHandle
from .job import IngestOptions, Job, find_job, find_target, identify
from .ledger import (
    STATUSES,
    Ledger,
    Progress,
    Status,
    file_and_line,
    place,
    remove_abandoned,
    remove_ledger,
)
from .patience import retried
from .replies import Verdict
from .sender import Sender
from .tally import Tally, open_tally

log = logging.getLogger(__name__)

T = TypeVar("T")

LookedUp = tuple[list[Entry], "Future[dict[str, Stored]]"]


def ingest(
    client: OpenSearch, encoder: Encoder, sources: Sequence[str], options: IngestOptions
) -> "IngestRun":
    """Return a run that indexes the documents of `sources` as it is iterated over.

    It yields one outcome a document, in order, each when it is done for good. `ValueError` or
    `JobError` at once if a source is of no known format, or not there; `ValueError` too if more
    impacts are to be kept than the encoder gives.
    """
    files = find_sources(sources)
    check_top_k(encoder, options.top_k)
    return IngestRun(client, encoder, files, options)


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
        self.counts: dict[Status, int] = dict.fromkeys(STATUSES, 0)
        self.n_done_before = 0
        self.dead_letters: Path | None = None
        self.stop = Event()

    def __iter__(self) -> Iterator[Outcome]:
        """Yield the outcomes of the lines that are not done yet."""
        with ExitStack() as stack:
            self._patiently(self.client.info, is_first=True)
            created, job, target = self._patiently(self._prepare)
            handle = self._patiently(lambda: self._handle(target))
            self.dead_letters = job.dead_letters
            remove_abandoned(job.ledger.parent)
            stack.callback(_forget, job)
            ledger = stack.enter_context(Ledger.open(job.ledger))
            letters = stack.enter_context(DeadLetters.open(job.dead_letters))
            identity = identify(job, self.sources, handle.uuid, self.options, created=created)
            self._take_up(ledger, ledger.start(identity, letters.n_bytes))
            letters.cut(ledger.progress.dead_bytes)
            flight = stack.enter_context(
                Flight[Chunk](self._sender(handle), self.options.n_senders)
            )
            tally = self._patiently(
                lambda: open_tally(
                    self.client,
                    target,
                    self.encoder.n_latents,
                    is_new=created,
                    has_begun=self.n_done_before > 0,
                )
            )
            yield from _Worker(
                self, handle, target, flight, ledger=ledger, letters=letters, tally=tally
            ).run()
            letters.check()
            self._close(ledger, handle)
            tally.finish()

    def _patiently(self, step: Callable[[], T], *, is_first: bool = False) -> T:
        """Return what a step gives that may be repeated, done again while the cluster is ill."""
        return retried(step, self.options.patience, self.stop, is_first=is_first)

    def _prepare(self) -> tuple[bool, Job, Target]:
        """Return whether the index had to be made, the job, and where its impacts go."""
        index, fields = self.options.index, self.options.fields
        top_k, scoring = self.options.top_k, self.options.scoring
        created = ensure_index(
            self.client, index, self.encoder, fields, top_k=top_k, scoring=scoring
        )
        concrete = write_index(self.client, index)
        target = find_target(self.client, self.encoder, concrete, fields, top_k)
        return created, find_job(self.client, target, self.sources, self.options), target

    def _take_up(self, ledger: Ledger, reason: str) -> None:
        self.counts = dict(ledger.progress.counts)
        self.n_done_before = sum(self.counts.values())
        if reason:
            log.info("job=%s from the start: %s", ledger.path.stem, reason)
        else:
            log.info("job=%s goes on after %d documents", ledger.path.stem, self.n_done_before)

    def _handle(self, target: Target) -> IndexHandle:
        options = self.options
        return IndexHandle(self.client, options.index, target, options.patience, self.stop)

    def _sender(self, handle: IndexHandle) -> Sender:
        bulk = self.options.bulk
        if bulk.pipeline is None and handle.settings.get("index.default_pipeline") == PIPELINE:
            bulk = replace(bulk, pipeline="_none")  # ours is for other writers: half the rate
        return Sender(self.client, handle, bulk, self.options.patience, self.stop)

    def _close(self, ledger: Ledger, handle: IndexHandle) -> None:
        """Finish the job; a refresh that fails is told: the index makes one by itself, later."""
        handle.check()
        try:
            self._patiently(lambda: self.client.indices.refresh(index=handle.index))
        except BulkError as error:
            log.warning("index=%s is not refreshed: %s", handle.index, error)
        ledger.finish()


class _Worker:
    """The loop of one run: what is open only while it goes."""

    def __init__(
        self,
        run: IngestRun,
        handle: IndexHandle,
        target: Target,
        flight: Flight[Chunk],
        *,
        ledger: Ledger,
        letters: DeadLetters,
        tally: Tally,
    ) -> None:
        self.ingest, self.handle, self.target, self.flight = run, handle, target, flight
        self.ledger, self.letters, self.options, self.tally = ledger, letters, run.options, tally

    def run(self) -> Iterator[Outcome]:
        """Yield outcomes; whichever way it ends, the ledger knows all that was acknowledged."""
        flight = self.flight
        with ThreadPoolExecutor(1, thread_name_prefix="splare-look") as reader:
            try:
                for entries, stored in self._looked_up(reader):
                    chunk = make_chunk(entries, stored.result(), self.ingest.encoder, self.target)
                    while flight.has_landed() or not flight.has_room(chunk):
                        yield from self._land()
                    flight.start(chunk)
                while flight.chunks:
                    yield from self._land()
            except BaseException:
                for chunk, verdicts in flight.survivors():
                    self._record(chunk, verdicts)
                raise

    def _land(self) -> list[Outcome]:
        outcomes = self._record(*self.flight.oldest())
        self.flight.chunks.popleft()
        return outcomes

    def _record(self, chunk: Chunk, verdicts: list[Verdict]) -> list[Outcome]:
        """Return the outcomes of a chunk once its dead letters and the ledger are on disk."""
        known, last = self.ledger.progress, chunk.entries[-1].place
        if last <= known.place:
            return []  # an interrupt fell between the advance and its landing
        settled = chunk.settle(verdicts)
        counts = dict(known.counts)
        for outcome, _ in settled:
            counts[outcome.status] += 1
        self.letters.cut(known.dead_bytes)
        n_bytes = self.letters.append([letter for _, letter in settled if letter])
        self.ledger.advance(Progress(last, counts, n_bytes))
        self.ingest.counts = counts
        self.tally.add(chunk, verdicts)
        self.tally.keep_if_due()
        log.info(
            "index=%s done=%d dead=%d", self.target.index, sum(counts.values()), counts["dead"]
        )
        return [outcome for outcome, _ in settled]

    def _looked_up(self, reader: ThreadPoolExecutor) -> Iterator[LookedUp]:
        """Yield chunks of entries with what the index holds of them, asked for one chunk ahead."""
        waiting: LookedUp | None = None
        for entries in self._chunks():
            ids = [str(entry.document.id) for entry in entries if self._may_be_stored(entry)]
            asked = reader.submit(self.handle.stored, ids)
            if waiting is not None:
                yield waiting
            waiting = entries, asked
        if waiting is not None:
            yield waiting

    def _may_be_stored(self, entry: Entry) -> bool:
        identity = self.ledger.identity
        is_new = identity is not None and identity.created_index
        return not (is_new or entry.is_repeat or entry.document.reason)

    def _chunks(self) -> Iterator[list[Entry]]:
        """Yield entries in chunks, cut by count and by bytes."""
        chunk: list[tuple[int, Document]] = []
        size = 0
        for at, document in self._documents():
            chunk.append((at, document))
            size += len(document.raw)
            if len(chunk) == self.options.chunk_documents or size >= self.options.chunk_bytes:
                yield self._entries(chunk)
                chunk, size = [], 0
        if chunk:
            yield self._entries(chunk)

    def _entries(self, chunk: list[tuple[int, Document]]) -> list[Entry]:
        live = [(at, document) for at, document in chunk if not document.reason]
        ids = [str(document.id) for _, document in live]
        places = [at for at, _ in live]
        repeats = dict(zip(places, self.ledger.seen_before(ids, places), strict=True))
        return [Entry(at, document, repeats.get(at, False)) for at, document in chunk]

    def _documents(self) -> Iterator[tuple[int, Document]]:
        """Yield the documents that the ledger does not know, each with its place."""
        first, done_lines = file_and_line(self.ledger.progress.place)
        for number, source in enumerate(self.ingest.sources[first:], first):
            after = done_lines if number == first else 0
            for document in read_documents(source, self.options.fields, after=after):
                yield place(number, document.line), document


def _forget(job: Job) -> None:
    """Remove the ledger of a job that cannot go on: its source was a pipe."""
    if not job.can_resume:
        remove_ledger(job.ledger)
