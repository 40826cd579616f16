"""The one owner of the queue: makes batches and has encoders work on them, a thread each."""

import asyncio
import logging
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..encoder import Encoder, pass_tokens
from ..impacts import empty
from .limits import Limits
from .metrics import SECONDS, SIZES, TOKENS, Registry
from .queue import Batch, Entry, Kind, Queue
from .work import Explanations, Part, Rows, answers, joined

logger = logging.getLogger(__name__)

WAITING_PASSES = 64
"""What may wait, in passes of the model, unless it is told."""
ASSUMED_TOKENS_PER_S = 2_000.0
"""Until the first batches tell."""

RETURN = 0.15
"""How long those who were answered are waited for, as a share of what their batch took."""


@dataclass(frozen=True)
class Answered:
    """The texts of an encoder's last batch, and until when as many are waited for."""

    texts: int = 0
    until_s: float = 0.0


@dataclass(frozen=True)
class _Waiting:
    """A worker that goes on once `texts` wait, or a whole batch."""

    texts: int
    goes_on: "asyncio.Future[None]"


class Batcher:
    """Texts of many callers, encoded together: each caller waits for its own answer.

    To be used from one event loop. `run` serves until it is cancelled.
    """

    def __init__(self, encoders: Sequence[Encoder], limits: Limits, registry: Registry) -> None:
        budget = limits.max_batch_tokens or pass_tokens(encoders[0])
        self._encoders, self._limits, self.max_batch_tokens = encoders, limits, budget
        self._most = limits.max_waiting_tokens or WAITING_PASSES * pass_tokens(encoders[0])
        self._rate = ASSUMED_TOKENS_PER_S
        self._queue = Queue(max_tokens=self._may_wait())
        self._waiting: list[_Waiting] = []
        self._in_work = 0
        self._threads = ThreadPoolExecutor(len(encoders), thread_name_prefix="splare-encode")
        self._count_in(registry)

    def _count_in(self, registry: Registry) -> None:
        queue = self._queue
        registry.gauge("splare_queue_texts", "Texts that wait.", lambda: queue.texts)
        registry.gauge("splare_queue_tokens", "Their tokens, estimated.", lambda: queue.tokens)
        registry.gauge(
            "splare_queue_dropped_texts_total", "Texts whose caller left.", lambda: queue.n_dropped
        )
        self._waited = registry.histogram(
            "splare_queue_seconds", "How long a request waited for its first batch.", SECONDS
        )
        self._batch_texts = registry.histogram("splare_batch_texts", "Texts of a batch.", SIZES)
        self._batch_tokens = registry.histogram(
            "splare_batch_tokens", "Tokens of a batch, estimated.", TOKENS
        )
        self._encoding = registry.histogram(
            "splare_encode_seconds", "How long a batch was encoded.", SECONDS
        )
        self._texts = registry.counter("splare_texts_total", "Texts encoded.", ["kind"])
        self._failed = registry.counter("splare_failed_texts_total", "Texts not encoded.", ["kind"])

    async def encode(self, kind: Kind, texts: Sequence[str]) -> Part:
        """Return what an encoder makes of `texts`; the call may be cancelled.

        `QueueFullError` if too much waits, `UnreadableTextError` if a text cannot be encoded.
        """
        if not texts:
            none = empty(0, self._encoders[0].n_latents)
            return Explanations(none, []) if kind.endswith("explanation") else Rows.of(none)
        answer: asyncio.Future[list[Part]] = asyncio.get_running_loop().create_future()
        self._queue.add(Entry(kind, texts, answer, time.monotonic()))
        self._tell()
        return joined(await answer)

    def _tell(self) -> None:
        """Let workers go on that have waited for so much."""
        is_full = self._queue.tokens >= self.max_batch_tokens
        for one in self._waiting:
            if (is_full or self._queue.texts >= one.texts) and not one.goes_on.done():
                one.goes_on.set_result(None)

    def _may_wait(self) -> int:
        """Return the tokens that may wait: half the time of a request is enough for."""
        return min(self._most, round(self._rate * self._limits.timeout_s / 2))

    def retry_after_s(self) -> int:
        """Return how long what waits will take, in whole seconds, from 1 to 60."""
        return min(60, max(1, round(self._queue.tokens / self._rate)))

    async def run(self) -> None:
        """Have every encoder work on one batch after another."""
        workers = [asyncio.ensure_future(self._work(encoder)) for encoder in self._encoders]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _work(self, encoder: Encoder) -> None:
        loop, last = asyncio.get_running_loop(), Answered()
        while True:
            batch = await self._next_batch(last)
            start, n_texts = time.monotonic(), len(batch.texts)
            self._note(batch, start)
            self._in_work += n_texts
            found = await loop.run_in_executor(self._threads, answers, encoder, batch)
            now = time.monotonic()
            self._in_work -= n_texts
            self._settle(batch, found, now - start)
            last = Answered(n_texts, now + RETURN * (now - start))

    async def _next_batch(self, last: Answered) -> Batch:
        while True:
            await self._filled(last)
            if batch := self._queue.next_batch(self.max_batch_tokens, self._share(last)):
                return batch

    def _share(self, last: Answered) -> int:
        """Return how many texts are a worker's, if all have as many: small batches cost more.

        Counted are those that wait, those that are worked on, and those that will come again.
        """
        is_back = time.monotonic() >= last.until_s
        waiting = self._queue.texts if is_back else max(self._queue.texts, last.texts)
        return -(-(waiting + self._in_work) // len(self._encoders))

    async def _filled(self, last: Answered) -> None:
        """Return once a batch is full, or has waited as long as it may.

        Who was just answered comes again at once, as a rule: without waiting for all of them, the
        first would be a batch, while the others come.
        """
        while (oldest := self._queue.oldest_s()) is None:
            await self._told(1)
        while self._queue.tokens < self.max_batch_tokens:
            until, texts = oldest + self._limits.max_wait_s, sys.maxsize
            if self._queue.texts < (back := min(last.texts, self._share(last))):
                until, texts = max(until, last.until_s), back
            left = until - time.monotonic()
            if left <= 0 or not await self._told(texts, left):
                return

    async def _told(self, texts: int, within_s: float | None = None) -> bool:
        """Return whether `_tell` lets a worker go on; False: it has waited for long enough."""
        waiting = _Waiting(texts, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            await asyncio.wait_for(waiting.goes_on, within_s)
        except TimeoutError:
            return False
        finally:
            self._waiting.remove(waiting)
        return True

    def _note(self, batch: Batch, now: float) -> None:
        self._batch_texts.observe(len(batch.texts))
        self._batch_tokens.observe(batch.tokens)
        for each in batch.slices:
            if each.start == 0:
                self._waited.observe(now - each.entry.entered_s)

    def _settle(self, batch: Batch, found: Sequence[Part | Exception], seconds: float) -> None:
        self._encoding.observe(seconds)
        self._rate += 0.1 * (batch.tokens / max(seconds, 1e-6) * len(self._encoders) - self._rate)
        self._queue.max_tokens = self._may_wait()
        for each, part in zip(batch.slices, found, strict=True):
            n_texts = each.end - each.start
            if isinstance(part, Exception):
                self._failed.add(n_texts, batch.kind)
                logger.warning("failed kind=%s error=%s", batch.kind, type(part).__name__)
                each.entry.fail(part)
            else:
                self._texts.add(n_texts, batch.kind)
                each.entry.settle(each.start, n_texts, part)
