"""What waits to be encoded, and what of it makes the next batch; no clock and no threads.

One owner has a queue (`batcher.Batcher`); nobody else changes it.
"""

import sys
from asyncio import Future
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

Kind: TypeAlias = Literal[
    "query", "whole_query", "document", "query_explanation", "document_explanation"
]
KINDS: tuple[Kind, ...] = get_args(Kind)

BYTES_OF_A_TOKEN = 4
"""English has 4.6 to 4.8 bytes a token of mini, Chinese about 3: a bound of time, not of memory."""


class QueueFullError(Exception):
    """More waits than may; the caller is to come again later."""


def estimated_tokens(text: str) -> int:
    """Return about how many tokens a text has: to count them would be to tokenise it twice.

    >>> estimated_tokens("the oil crisis"), estimated_tokens("")
    (5, 2)
    """
    n_bytes = len(text) if text.isascii() else len(text.encode(errors="replace"))
    return 2 + n_bytes // BYTES_OF_A_TOKEN


@dataclass(eq=False)
class Entry:
    """The texts of one request, and the answer that it waits for.

    `taken` of its texts are in batches already; `parts` are the answers of those, by first text.
    """

    kind: Kind
    texts: Sequence[str]
    answer: "Future[list[Any]]"
    entered_s: float = 0.0
    taken: int = 0
    parts: dict[int, Any] = field(default_factory=dict)
    n_done: int = 0

    def __post_init__(self) -> None:
        """Estimate each text once."""
        self.tokens = [estimated_tokens(text) for text in self.texts]

    @property
    def tokens_left(self) -> int:
        """Tokens of the texts that no batch has."""
        return sum(self.tokens[self.taken :])

    def settle(self, start: int, n_texts: int, part: object) -> None:
        """Keep the answer of some texts; the last one makes the whole answer."""
        self.parts[start], self.n_done = part, self.n_done + n_texts
        if self.n_done == len(self.texts) and not self.answer.done():
            self.answer.set_result([self.parts[at] for at in sorted(self.parts)])

    def fail(self, error: Exception) -> None:
        """Answer with an error; what is left of the entry is then dropped."""
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(frozen=True)
class Slice:
    """Neighbouring texts of an entry."""

    entry: Entry
    start: int
    end: int

    @property
    def texts(self) -> Sequence[str]:
        """Its texts."""
        return self.entry.texts[self.start : self.end]


@dataclass(frozen=True)
class Batch:
    """Texts of one kind that are encoded together."""

    kind: Kind
    slices: Sequence[Slice]
    tokens: int

    @property
    def texts(self) -> list[str]:
        """All of its texts."""
        return [text for each in self.slices for text in each.texts]


class Queue:
    """Entries by kind, first come first served, and kinds in turn.

    So a query never waits for all documents. An entry too large for a batch gives what fits, and
    its rest goes to the back: a small request does not wait for a large one. `max_tokens` bounds
    what waits of each kind: a queue full of documents takes queries.
    """

    def __init__(self, *, max_tokens: int) -> None:
        self.max_tokens, self.texts, self.n_dropped = max_tokens, 0, 0
        self._tokens: dict[Kind, int] = dict.fromkeys(KINDS, 0)
        self._waiting: dict[Kind, deque[Entry]] = {kind: deque() for kind in KINDS}
        self._turns: deque[Kind] = deque(KINDS)

    @property
    def tokens(self) -> int:
        """Tokens that wait, estimated."""
        return sum(self._tokens.values())

    def add(self, entry: Entry) -> None:
        """Let an entry wait; `QueueFullError` if it finds others of its kind, and is too much."""
        if self._is_full(entry):
            self._drop_left()
        if self._is_full(entry):
            raise QueueFullError
        self._count(entry, +1)
        self._waiting[entry.kind].append(entry)

    def next_batch(self, budget: int, most_texts: int = sys.maxsize) -> Batch | None:
        """Return texts of `budget` tokens at most, of at least one text; None if nothing waits.

        Entries whose caller left are dropped.
        """
        for _ in KINDS:
            self._turns.rotate(-1)
            kind = self._turns[-1]
            if slices := self._take(self._waiting[kind], budget, most_texts):
                tokens = sum(sum(one.entry.tokens[one.start : one.end]) for one in slices)
                return Batch(kind, slices, tokens)
        return None

    def oldest_s(self) -> float | None:
        """Return when the first of those that wait came; None if nothing waits."""
        heads = [entries[0].entered_s for entries in self._waiting.values() if entries]
        return min(heads, default=None)

    def _is_full(self, entry: Entry) -> bool:
        waiting = self._tokens[entry.kind]
        return waiting > 0 and waiting + entry.tokens_left > self.max_tokens

    def _drop_left(self) -> None:
        """Drop all entries whose caller left."""
        for kind, entries in self._waiting.items():
            for entry in entries:
                if entry.answer.done():
                    self._drop(entry)
            self._waiting[kind] = deque(entry for entry in entries if not entry.answer.done())

    def _drop(self, entry: Entry) -> None:
        self._count(entry, -1)
        self.n_dropped += len(entry.texts) - entry.taken

    def _take(self, entries: "deque[Entry]", budget: int, most_texts: int) -> list[Slice]:
        slices: list[Slice] = []
        left, room = budget, most_texts
        while entries and room:
            entry = entries.popleft()
            if entry.answer.done():
                self._drop(entry)
                continue
            self._count(entry, -1)
            tokens = entry.tokens[entry.taken : entry.taken + room]
            n_fit = _n_fit(tokens, left, at_least=0 if slices else 1)
            if n_fit:
                slices.append(Slice(entry, entry.taken, entry.taken + n_fit))
                left -= sum(tokens[:n_fit])
                entry.taken, room = entry.taken + n_fit, room - n_fit
            if entry.taken < len(entry.texts):
                put_back = entries.append if n_fit else entries.appendleft
                put_back(entry)
                self._count(entry, +1)
                break
        return slices

    def _count(self, entry: Entry, sign: int) -> None:
        self._tokens[entry.kind] += sign * entry.tokens_left
        self.texts += sign * (len(entry.texts) - entry.taken)


def _n_fit(tokens: Sequence[int], budget: int, *, at_least: int) -> int:
    """Return how many of the first texts fit.

    >>> _n_fit([3, 3, 3], 7, at_least=1), _n_fit([9], 7, at_least=1), _n_fit([9], 7, at_least=0)
    (2, 1, 0)
    """
    total = 0
    for at, count in enumerate(tokens):
        total += count
        if total > budget:
            return max(at, at_least)
    return len(tokens)
