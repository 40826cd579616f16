"""The backlog of one index: what was written to it and has not been looked at yet."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event

from opensearchpy import OpenSearch

from ..documents.shards import NONE_YET
from ..encoder import Encoder
from ..errors import BulkError
from .actions import Target
from .backfill_options import BackfillOptions
from .batch import BackfillOutcome, Batch, make_batch
from .checkpoint import Checkpoint, Position, Scope
from .dead_letters import DeadLetters
from .flight import Flight
from .handle import IndexHandle
from .pace import Pace
from .patience import retried
from .replies import Verdict
from .scan import Page, Scan
from .sender import Sender
from .snapshot import Counters
from .stages import Stages
from .tally import Tally, open_tally


@dataclass
class Backlog:
    """Of one concrete index; `n_updates` were sent the last time that it was cleared."""

    encoder: Encoder
    options: BackfillOptions
    target: Target
    scan: Scan
    handle: IndexHandle
    checkpoint: Checkpoint
    letters: DeadLetters
    flight: Flight[Batch]
    tally: Tally
    stages: Stages = field(default_factory=Stages)
    n_updates: int = 0

    def counters(self) -> Counters:
        """Return what was counted so far; another thread may ask."""
        position, traffic = self.checkpoint.position, self.flight.sender.traffic
        total = sum(upto + 1 for upto in position.first.values())
        return Counters(
            job=self.checkpoint.path.stem,
            index=self.target.index,
            model=self.encoder.name,
            outcomes=dict(position.counts),
            sent_bytes=traffic.n_bytes,
            requests=traffic.n_requests,
            resent=traffic.n_resent,
            in_flight=len(self.flight.chunks),
            done=min(1.0, position.n_read / total) if total else None,
            stages=self.stages.seconds(),
            dead_reasons=dict(self.letters.kinds or {}),
        )

    def __post_init__(self) -> None:
        """Begin to count the rate."""
        self.pace = Pace(self.options.max_rate, self.options.share)

    def is_empty(self) -> bool:
        """Return whether nothing was written since the last time."""
        return not _behind(self.checkpoint.position, self.scan.peek())

    def clear(self) -> Iterator[BackfillOutcome]:
        """Yield the outcomes of all documents that were written until now, each when it is done.

        Whichever way it ends, the checkpoint knows all that was acknowledged.
        """
        self.handle.check()
        upto = self.scan.checkpoints()
        known = self.checkpoint.position
        if not known.first:
            self.checkpoint.save(replace(known, first=upto))
        self.n_updates = 0
        with ThreadPoolExecutor(1, thread_name_prefix="splare-scan") as reader:
            try:
                yield from self._flown(reader, self._pages(upto))
                self._count_sent()
            except BaseException:
                survivors = self.flight.survivors()
                with suppress(BulkError):  # what is not recorded is done again
                    for batch, verdicts in survivors:
                        self._record(batch, verdicts)
                raise

    def _flown(
        self, reader: ThreadPoolExecutor, pages: Iterator[Page]
    ) -> Iterator[BackfillOutcome]:
        """Yield the outcomes of pages, each read while the one before it is encoded."""
        flight = self.flight
        coming = reader.submit(next, pages, None)
        while (page := self._read(coming)) is not None:
            coming = reader.submit(next, pages, None)
            batch = self._made(page)
            while flight.has_landed() or not flight.has_room(batch):
                yield from self._land()
            self._note(batch)
            flight.start(batch)
        while flight.chunks:
            yield from self._land()

    def _pages(self, upto: dict[int, int]) -> Iterator[Page]:
        done = self.checkpoint.position.shards
        for shard, last in sorted(upto.items()):
            yield from self.scan.pages(shard, done.get(shard, NONE_YET), last)

    def _read(self, coming: "Future[Page | None]") -> Page | None:
        with self.stages.in_stage("read"):
            return coming.result()

    def _made(self, page: Page) -> Batch:
        fields, stages = self.options.fields, self.stages
        with stages.in_stage("cluster"):
            lacking = self.handle.lacking(page.documents)
        with stages.in_stage("serialise"):
            batch = make_batch(
                page, self.target, fields, self.encoder, lacking=lacking, stages=stages
            )
        with stages.in_stage("pause"):
            self.pace.wait(len(batch.actions), self.flight.sender.stop)
        return batch

    def _note(self, batch: Batch) -> None:
        """Have it on disk what is going to be sent: killed now, the job would not know its own."""
        known = self.checkpoint.position
        if batch.actions:
            self.checkpoint.save(replace(known, sent={**known.sent, **batch.sent()}))

    def _land(self) -> list[BackfillOutcome]:
        with self.stages.in_stage("cluster"):
            batch, verdicts = self.flight.oldest()
        with self.stages.in_stage("record"):
            outcomes = self._record(batch, verdicts)
        self.flight.chunks.popleft()
        return outcomes

    def _record(self, batch: Batch, verdicts: Sequence[Verdict]) -> list[BackfillOutcome]:
        """Return the outcomes of a batch once its dead letters and the checkpoint are on disk."""
        known, page = self.checkpoint.position, batch.page
        if page.upto <= known.shards.get(page.shard, NONE_YET):
            return []  # an interrupt fell between the checkpoint and its landing
        verdicts, present = self._looked_up(batch, verdicts)
        before = known.first.get(page.shard, NONE_YET)
        settled = [
            (outcome, letter)
            for at, (outcome, letter) in enumerate(batch.settle(verdicts, present))
            # of what was written since, nothing is said that needs nothing: it may be ours
            if at in batch.actions or letter or page.documents[at].version.seq_no <= before
        ]
        counts = Counter(known.counts)
        counts.update(outcome.status for outcome, _ in settled)
        self.letters.cut(known.dead_bytes)
        n_bytes = self.letters.append([letter for _, letter in settled if letter])
        now = known.landed(page.shard, page.upto, {one.id for one in batch.actions.values()})
        self.checkpoint.save(replace(now, counts=dict(counts), dead_bytes=n_bytes))
        self.n_updates += len(batch.actions)
        self.tally.add(batch.chunk, verdicts)
        self.tally.keep_if_due()
        return [outcome for outcome, _ in settled]

    def _looked_up(
        self, batch: Batch, verdicts: Sequence[Verdict]
    ) -> tuple[list[Verdict], set[str]]:
        """Return verdicts in which a write of ours whose reply was lost is none that moved.

        And the ids, of those that have moved, that are still there.
        """
        updates = list(batch.actions.values())
        moved = [one for one, fate in zip(updates, verdicts, strict=True) if _has_moved(fate)]
        found = self.handle.digests({one.id: one.routing for one in moved})
        is_ours = {one.id for one in moved if found.get(one.id) == one.digest}
        mended = [
            None if one.id in is_ours else fate for one, fate in zip(updates, verdicts, strict=True)
        ]
        return mended, set(found)

    def _count_sent(self) -> None:
        """Count what the job had stored before it was stopped, and had not heard of yet.

        What is still noted as sent after a pass was up to date, and not counted by it.
        """
        known = self.checkpoint.position
        if known.sent:
            there = self.handle.digests({name: one.routing for name, one in known.sent.items()})
            stored = [
                one.status for name, one in known.sent.items() if there.get(name) == one.digest
            ]
            counts = Counter(known.counts)
            counts.update(stored)
            self.checkpoint.save(replace(known, counts=dict(counts), sent={}))

    def settle(self) -> None:
        """Bring the statistics up to date, once nothing is stale."""
        self.tally.finish()

    def finish(self) -> None:
        """Note that the job is done: the next one begins where it ended."""
        self.checkpoint.save(replace(self.checkpoint.position, is_done=True))


def _has_moved(fate: Verdict) -> bool:
    return fate is not None and fate.advice == "moved"


def _behind(position: Position, upto: dict[int, int]) -> bool:
    return any(position.shards.get(shard, NONE_YET) < last for shard, last in upto.items())


@contextmanager
def open_backlog(
    client: OpenSearch, encoder: Encoder, target: Target, options: BackfillOptions, stop: Event
) -> Iterator[Backlog]:
    """Yield the backlog of a concrete index that takes impacts; its job is locked meanwhile."""
    patiently = partial(retried, patience=options.patience, stop=stop)
    handle = patiently(lambda: IndexHandle(client, options.index, target, options.patience, stop))
    path, letters_path = patiently(lambda: options.files(client, target))
    with ExitStack() as stack:
        checkpoint = stack.enter_context(Checkpoint.open(path))
        letters = stack.enter_context(DeadLetters.open(letters_path))
        scan = _scan(client, target, options, stop)
        if options.is_restarted:
            checkpoint.forget()
        scope = Scope(handle.uuid, str(letters_path), scan.history())
        checkpoint.start(scope, letters.n_bytes, index=target.index, model=encoder.name)
        letters.cut(checkpoint.position.dead_bytes)
        bulk = handle.with_most_requests(options.bulk)
        sender = Sender(client, handle, bulk, options.patience, stop)
        flight = stack.enter_context(Flight[Batch](sender, sender.gate.most))
        tally = patiently(lambda: _tally(client, target, encoder, checkpoint))
        yield Backlog(
            encoder=encoder,
            options=options,
            target=target,
            scan=scan,
            handle=handle,
            checkpoint=checkpoint,
            letters=letters,
            flight=flight,
            tally=tally,
        )


def _tally(client: OpenSearch, target: Target, encoder: Encoder, checkpoint: Checkpoint) -> Tally:
    has_begun = bool(checkpoint.position.shards)
    return open_tally(client, target, encoder.n_latents, is_new=False, has_begun=has_begun)


def _scan(client: OpenSearch, target: Target, options: BackfillOptions, stop: Event) -> Scan:
    return Scan(
        client,
        target.index,
        [*options.fields.text_fields, target.field],
        where=options.where,
        size=options.page_documents,
        patience=options.patience,
        stop=stop,
    )
