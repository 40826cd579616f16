"""Queries encoded: known ones are remembered, and those that wait together go in one batch."""

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Condition
from typing import TypeAlias

from ...encoder import Encoder, GivesWholeQueries
from ...forks import remake_in_children
from ...impacts import Impacts

CACHE_BYTES = 16 * 2**20
"""How much is remembered of queries: some thousands of them."""

OVERHEAD_BYTES = 1024
"""What a remembered query takes beside its text and its numbers."""


@dataclass(frozen=True)
class Queries:
    """All impacts [text, latent] of queries, of which the `top_k` heaviest score; None: all."""

    impacts: Impacts
    top_k: int | None = None

    def row(self, number: int) -> "Queries":
        """Return one of the queries."""
        return Queries(self.impacts[[number]], self.top_k)


Answers: TypeAlias = dict[str, "Future[Queries]"]
"""Text to its query: encoded by whoever has the encoder, and waited for by all that asked."""


def encoded(encoder: Encoder, texts: Sequence[str]) -> Queries:
    """Return queries before they are cut, if the encoder gives that: weights decide what stays."""
    if isinstance(encoder, GivesWholeQueries):
        return Queries(encoder.encode_whole_queries(texts), encoder.query_top_k)
    return Queries(encoder.encode_queries(texts))


class QueryEncoder:
    """Encodes the queries of many threads: one batch at a time, of all that wait for it.

    `encoder` gives the encoder, which is asked by one thread at a time. The last queries are
    remembered, `cache_bytes` of them; 0: none.
    """

    def __init__(self, encoder: Callable[[], Encoder], cache_bytes: int = CACHE_BYTES) -> None:
        if isinstance(cache_bytes, bool) or not isinstance(cache_bytes, int) or cache_bytes < 0:
            raise ValueError(f"query_cache_bytes={cache_bytes!r}: give a whole number, 0 for none")
        self._encoder, self._cache_bytes = encoder, cache_bytes
        self._known: OrderedDict[str, Queries] = OrderedDict()
        self._known_bytes = 0
        self.in_child()
        remake_in_children(self)

    def in_child(self) -> None:
        """Forget what other threads encoded or waited for when the process was forked."""
        self._changed = Condition()
        self._waiting: Answers = {}
        self._batch: Answers | None = None

    def __call__(self, texts: Iterable[str]) -> dict[str, Queries]:
        """Return the query of each text; raises what the encoder raises for one of them.

        A batch that fails is encoded text by text: others do not suffer for a text that cannot be.
        """
        encoder, texts = self._encoder(), list(texts)
        with self._changed:
            if self._known.keys() >= set(texts):
                return {text: self._remembered(text) for text in texts}
            answers = {text: self._answer(text) for text in dict.fromkeys(texts)}
        while batch := self._turn(answers):
            try:
                self._encode(encoder, batch)
            finally:
                self._end_turn(batch)
        return {text: answer.result() for text, answer in answers.items()}

    def _remembered(self, text: str) -> Queries:
        self._known.move_to_end(text)
        return self._known[text]

    def _answer(self, text: str) -> "Future[Queries]":
        """Return the answer for a text: known, in the batch that is encoded now, or waiting."""
        if text in self._known:
            answer: Future[Queries] = Future()
            answer.set_result(self._remembered(text))
            return answer
        if self._batch and text in self._batch:
            return self._batch[text]
        return self._waiting.setdefault(text, Future())

    def _turn(self, answers: Answers) -> Answers:
        """Return what it is the caller's turn to encode; nothing once all of its own are there."""

        def are_there() -> bool:
            return all(answer.done() for answer in answers.values())

        with self._changed:
            self._changed.wait_for(lambda: self._batch is None or are_there())
            if are_there():
                return {}
            self._batch, self._waiting = self._waiting, {}
            return self._batch

    def _end_turn(self, batch: Answers) -> None:
        """Let others go on; what an interrupt has left is for the next one to encode."""
        left = {text: answer for text, answer in batch.items() if not answer.done()}
        with self._changed:
            self._waiting, self._batch = left | self._waiting, None
            self._changed.notify_all()

    def _encode(self, encoder: Encoder, batch: Answers) -> None:
        try:
            queries = encoded(encoder, list(batch))
        except Exception as error:  # noqa: BLE001  # whoever asked for the text gets it
            if len(batch) == 1:
                next(iter(batch.values())).set_exception(error)
                return
            for text, answer in batch.items():
                self._encode(encoder, {text: answer})
            return
        for row, (text, answer) in enumerate(batch.items()):
            query = queries.row(row)
            self._remember(text, query)
            answer.set_result(query)

    def _remember(self, text: str, query: Queries) -> None:
        with self._changed:
            self._known[text] = query
            self._known_bytes += n_bytes(text, query)
            while self._known_bytes > self._cache_bytes:
                self._known_bytes -= n_bytes(*self._known.popitem(last=False))


def n_bytes(text: str, query: Queries) -> int:
    """Return what it takes to remember a query."""
    found = query.impacts
    arrays = found.data.nbytes + found.indices.nbytes + found.indptr.nbytes
    return sys.getsizeof(text) + int(arrays) + OVERHEAD_BYTES
