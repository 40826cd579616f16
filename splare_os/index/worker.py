"""The worker: reads, encodes and sends at the same time, and can be killed at any instant.

One thread (the caller's) reads, encodes and keeps the ledger; others look up what the index
holds and send. The ledger advances over a gap-free prefix of lines: what is done is done, what
is not will be done again, under the same ids.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from ..documents.document import Document
from ..documents.fields import SUFFIX
from ..documents.files import Meter
from ..documents.sources import read_documents
from ..encoder import Encoder
from ..layout.records import read_mappings
from .actions import Action, Stored, Target
from .chunk import Chunk, Entry, Outcome, make_chunk
from .dead_letters import DeadLetters
from .flight import Flight
from .handle import IndexHandle
from .job import IngestOptions, other_fields
from .ledger import Ledger, Progress, file_and_line, place
from .patience import retried
from .pipelines import find_changed, pipelines
from .replies import Verdict
from .snapshot import Counters
from .stages import Stages
from .tally import Tally

log = logging.getLogger(__name__)

CHUNK, LARGE_CHUNK = 256, 1024
QUICK_S = 0.5
"""A large chunk may take so long: what is lost by a kill, and waited for by Ctrl-C."""

LookedUp = tuple[list[Entry], "Future[dict[str, Stored]]"]


@dataclass
class Worker:
    """The loop of one run: what is open only while it goes.

    `n_read` bytes of the sources have been read; a document took `each_s` to be encoded; `sent` is
    what was written last; `known_fields` were asked for since the start.
    """

    encoder: Encoder
    sources: Sequence[str]
    options: IngestOptions
    handle: IndexHandle
    target: Target
    flight: Flight[Chunk]
    ledger: Ledger
    letters: DeadLetters
    tally: Tally
    stages: Stages = field(default_factory=Stages)
    n_read: int = 0
    each_s: float = QUICK_S
    sent: Sequence[Action] = ()
    known_fields: set[str] = field(default_factory=set)
    is_compared: bool = False
    is_told: bool = False

    def counters(self) -> Counters:
        """Return what was counted so far; another thread may ask."""
        identity, progress = self.ledger.identity, self.ledger.progress
        total = sum(source.n_bytes for source in identity.sources) if identity else 0
        traffic = self.flight.sender.traffic
        return Counters(
            job=self.ledger.path.stem,
            index=self.target.index,
            model=self.encoder.name,
            outcomes={str(status): n for status, n in progress.counts.items()},
            read_bytes=progress.read_bytes,
            sent_bytes=traffic.n_bytes,
            requests=traffic.n_requests,
            resent=traffic.n_resent,
            in_flight=len(self.flight.chunks),
            done=min(1.0, progress.read_bytes / total) if total else None,
            stages=self.stages.seconds(),
            dead_reasons=dict(self.letters.kinds or {}),
        )

    def run(self) -> Iterator[Outcome]:
        """Yield outcomes; whichever way it ends, the ledger knows all that was acknowledged."""
        flight = self.flight
        with ThreadPoolExecutor(1, thread_name_prefix="splare-look") as reader:
            try:
                looked_up = self._looked_up(reader)
                while (found := self._next(looked_up)) is not None:
                    chunk = self._made(*found)
                    while flight.has_landed() or not flight.has_room(chunk):
                        yield from self._land()
                    flight.start(chunk)
                while flight.chunks:
                    yield from self._land()
                self._compare(self.handle.settings_now())  # one may have come meanwhile
            except BaseException:
                for chunk, verdicts in flight.survivors():
                    self._record(chunk, verdicts)
                raise

    def _next(self, looked_up: Iterator[LookedUp]) -> LookedUp | None:
        with self.stages.in_stage("read"):
            return next(looked_up, None)

    def _made(self, entries: list[Entry], asked: "Future[dict[str, Stored]]") -> Chunk:
        with self.stages.in_stage("cluster"):
            stored = asked.result()
            self._learn_fields(stored)
        begun = time.perf_counter()
        with self.stages.in_stage("serialise"):
            made = make_chunk(entries, stored, self.encoder, self.target, self.stages)
        self.each_s = (time.perf_counter() - begun) / len(entries)
        return made

    def _learn_fields(self, stored: Mapping[str, Stored]) -> None:
        """Know of impacts fields that the index has got since the start: documents keep theirs."""
        held = {key for one in stored.values() for key in one.source if key.endswith(SUFFIX)}
        target, handle = self.target, self.handle
        if new := held - self.known_fields - {target.field, *dict(target.others)}:
            self.known_fields |= new  # an application may have such a field, too
            read = partial(read_mappings, handle.client, target.index)
            mappings = retried(read, handle.patience, handle.stop)[target.index]
            others = other_fields(target.index, mappings, target.field)
            self.target = replace(target, others=others)

    @property
    def _chunk_documents(self) -> int:
        """How many documents are encoded at a time: more cost less, but are waited for."""
        is_quick = self.each_s * LARGE_CHUNK < QUICK_S
        return self.options.chunk_documents or (LARGE_CHUNK if is_quick else CHUNK)

    def _land(self) -> list[Outcome]:
        with self.stages.in_stage("cluster"):
            chunk, verdicts = self.flight.oldest()
        with self.stages.in_stage("record"):
            outcomes = self._record(chunk, verdicts)
        self.flight.chunks.popleft()
        written = zip(chunk.actions.values(), verdicts, strict=True)
        sent = [one for one, fate in written if fate is None and isinstance(one, Action)]
        self.sent = sent or self.sent
        if sent and not self.is_compared:
            self.is_compared = True
            self._compare(self.handle.settings)
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
        self.ledger.advance(Progress(last, counts, n_bytes, max(self.n_read, known.read_bytes)))
        self.tally.add(chunk, verdicts)
        self.tally.keep_if_due()
        return [outcome for outcome, _ in settled]

    def _compare(self, settings: Mapping[str, str]) -> None:
        """Tell the log once of pipelines that change what is sent, by what was written last."""
        through = pipelines(settings, self.flight.sender.options)
        if self.is_told or not through or not self.sent:
            return
        if changed := find_changed(self.handle, self.sent, self.options.fields):
            self.is_told = True
            log.warning(
                "index=%s: the ingest pipeline %s changes what impacts are made of (%d of the "
                "documents that were looked at, such as %s): they are not those of the text that "
                "is stored. Run `splare-os backfill` afterwards, or take the pipeline off and "
                "change the documents before",
                self.target.index,
                " or ".join(through),
                len(changed),
                changed[0],
            )

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
            if len(chunk) >= self._chunk_documents or size >= self.options.chunk_bytes:
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
        identity = self.ledger.identity
        states = identity.sources if identity else ()
        before = sum(state.n_bytes for state in states[:first])
        for number, source in enumerate(self.sources[first:], first):
            after, meter = done_lines if number == first else 0, Meter()
            for document in read_documents(source, self.options.fields, after=after, meter=meter):
                self.n_read = before + meter.n_bytes
                yield place(number, document.line), document
            before += states[number].n_bytes if states else 0
