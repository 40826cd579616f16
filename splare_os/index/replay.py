"""Dead letters that a pipeline has left, sent once more through the pipeline of their index."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any, TypeAlias

import orjson
from opensearchpy import NotFoundError, OpenSearch, TransportError

from ..connection import rights_remedy
from ..documents.shards import refresh
from ..errors import BulkError, ReplyError
from ..layout.existing import index_exists
from ..layout.pipeline import DEAD_LETTERS
from ..reply import part, require_whole, rows
from .patience import (
    FAILURES,
    Attempts,
    Failure,
    Patience,
    describe,
    is_transient,
    reason_of,
    retried,
    within,
)
from .refreshing import refresh_at_end
from .sender import BUSY

AT_A_TIME = 100
TRIED_ALONE = 8
"""Documents that are sent alone before it is believed that none can be stored."""
ANEW = "refused again: its letter is anew"

Json: TypeAlias = dict[str, Any]
Letters: TypeAlias = dict[str, Json]
"""By their ids, oldest first; with a routing as `_routing`."""
Key: TypeAlias = tuple[str, str | None]
"""Id and routing of a document: with another routing it is another document."""


@dataclass(frozen=True)
class Replayed:
    """One letter that was sent again: the id of its document, and why it failed again, if it did.

    A letter that failed again is in the dead letters anew, or still.
    """

    id: str | None
    reason: str = ""


@dataclass(frozen=True)
class Sendable:
    """A document to be sent again, and its letters: it may have failed several times.

    One that was sent without an id has that of its letter, so that it may be sent twice.
    """

    key: Key
    document: object
    letters: Sequence[str]

    @property
    def id(self) -> str:
        """Its id."""
        return self.key[0]


def replay(
    client: OpenSearch, index: str, *, patience: Patience | None = None, stop: Event | None = None
) -> Iterator[Replayed]:
    """Yield what becomes of the dead letters of `index`, oldest first; what is stored is removed.

    Of a document that has several letters the last is sent, which then stands for all of them.
    A document that was written anew since it failed is written over: replay before that.
    `BulkError` if the cluster does not answer: no letter is lost, and the same command goes on.
    """
    replaying = Replay(client, index, patience or Patience(), stop or Event())
    letters = replaying.letters()
    odd = [letter.get("id") for letter in letters.values() if "document" not in letter]
    yield from (Replayed(name, "no dead letter: it holds no document") for name in odd)
    found, refused = _sendable(letters), set[Key]()
    for start in range(0, len(found), AT_A_TIME):
        batch = found[start : start + AT_A_TIME]
        for one, result in zip(batch, replaying.sent(batch, letters), strict=True):
            if result.reason == ANEW and len(batch) > 1:
                refused.add(one.key)
            else:
                yield result
    if refused:
        yield from replaying.alone(refused)
    if found:
        replaying.refresh()


def _sendable(letters: Letters) -> list[Sendable]:
    """Return the documents of letters; of several with the same id the last."""
    found: dict[Key, Sendable] = {}
    for name, letter in letters.items():
        if "document" in letter:
            of = _key(name, letter)
            earlier = found.pop(of).letters if of in found else ()
            found[of] = Sendable(of, letter["document"], [*earlier, name])
    return list(found.values())


def _key(name: str, letter: Mapping[str, Any]) -> Key:
    """Return id and routing of the document of a letter."""
    return name if letter.get("id") is None else str(letter["id"]), letter.get("_routing")


@dataclass(frozen=True)
class Replay:
    """The letters of one index on their way."""

    client: OpenSearch
    index: str
    patience: Patience
    stop: Event

    def letters(self) -> Letters:
        """Return all letters of the index that are there now: those that come later are others."""
        return retried(self._letters, self.patience, self.stop)

    def _letters(self) -> Letters:
        if not index_exists(self.client, DEAD_LETTERS):
            return {}
        refresh(self.client, DEAD_LETTERS)
        found: Letters = {}
        query = {"term": {"index": self.index}}
        body: Json = {"query": query, "size": 1000, "sort": ["@timestamp"]}
        reply = self.client.search(index=DEAD_LETTERS, body=body, params={"scroll": "5m"})
        while hits := _hits(reply):
            for hit in hits:
                routing = {"_routing": hit["_routing"]} if "_routing" in hit else {}
                found[part(hit, "_id", kind=str)] = part(hit, "_source") | routing
            reply = self._scrolled(part(reply, "_scroll_id"))
        with suppress(TransportError):  # it ends by itself, too
            self.client.clear_scroll(body={"scroll_id": part(reply, "_scroll_id")})
        return found

    def _scrolled(self, scroll_id: str) -> Json:
        """Return the next page; `ReplyError`, for all to be read anew, if the cluster lost it."""
        try:
            reply: Json = self.client.scroll(body={"scroll_id": scroll_id, "scroll": "5m"})
        except NotFoundError as error:
            raise ReplyError(f"letters are not read to their end: {describe(error)}") from error
        return reply

    def refresh(self) -> None:
        """Let it be found what was stored, and not be found what is a letter no more."""
        for name in (self.index, DEAD_LETTERS):
            refresh_at_end(self.client, name, self.patience, self.stop)

    def sent(self, documents: Sequence[Sendable], known: Letters) -> list[Replayed]:
        """Return what becomes of documents; `known` are the letters of before."""
        reasons = self._reasons(documents, known)
        gone = [one for one in documents if reasons[one.key] in ("", ANEW)]
        done = [_deletion(name, one.key[1]) for one in gone for name in one.letters]
        if done:
            remove = partial(self.client.bulk, body=b"".join(done), index=DEAD_LETTERS)
            retried(lambda: _require_removed(remove()), self.patience, self.stop)
        return [Replayed(one.id, reasons[one.key]) for one in documents]

    def alone(self, refused: Collection[Key]) -> Iterator[Replayed]:
        """Yield what becomes of documents that are sent one by one, as a batch may fail for one.

        If the first few are all refused, the others are believed to be.
        """
        letters, n_stored = self.letters(), 0
        documents = [one for one in _sendable(letters) if one.key in refused]
        for at, one in enumerate(documents):
            if at >= TRIED_ALONE and not n_stored:
                yield Replayed(one.id, ANEW)
                continue
            [result] = self.sent([one], letters)
            n_stored += not result.reason
            yield result

    def _reasons(self, documents: Sequence[Sendable], known: Letters) -> dict[Key, str]:
        """Return by key why each failed again, "" where it is stored; what may pass is sent again.

        Where the reply is lost, a letter that has come since tells that its document failed.
        """
        reasons: dict[Key, str] = {}
        left, failure = list(documents), None
        for attempt in (tries := Attempts(self.patience, self.stop)):
            try:
                if attempt > 1:
                    now = self._letters().items()
                    anew = {_key(name, one) for name, one in now if name not in known}
                    reasons |= {one.key: ANEW for one in left if one.key in anew}
                    left = [one for one in left if one.key not in anew]
                results = self._answers(left)
            except FAILURES as error:
                failure = error
                tries.failed(error)
                if is_transient(error):
                    continue
                break
            failure = None
            reasons |= {one.key: _reason(found) for one, found in zip(left, results, strict=True)}
            busy = [part(found, "status") in BUSY for found in results]
            left = [one for one, is_busy in zip(left, busy, strict=True) if is_busy]
            if not left:
                break
        _require_answer(failure)
        return reasons

    def _answers(self, documents: Sequence[Sendable]) -> list[Json]:
        """Return what the cluster says of each document."""
        if not documents:
            return []
        body = b"".join(_lines(self.index, one) for one in documents)
        reply = within(partial(self.client.bulk, body=body), self.stop)
        results = [part(item, "index") for item in rows(reply, "items")]
        _require_order(results, [one.id for one in documents])
        return results


def _hits(reply: Json) -> Sequence[Json]:
    """Return the hits of a page; `ReplyError` unless all shards have answered: some would miss."""
    require_whole(reply, DEAD_LETTERS)
    hits: Sequence[Json] = rows(reply, "hits", "hits")
    return hits


def _require_answer(failure: Failure | None) -> None:
    """Raise `BulkError` for a request that has failed for good."""
    if failure is not None:
        raise BulkError(
            f"the cluster does not answer, or refuses: {describe(failure)}. No letter is lost: run "
            "the same command again"
        ) from failure


def _require_order(results: Sequence[Json], names: Sequence[str]) -> None:
    """Raise `BulkError` unless each document has its answer: a letter of another would go.

    A pipeline may give a document another id, though not that of another letter.
    """
    found = [result.get("_id") for result in results]
    is_mixed = any(one != name and one in names for one, name in zip(found, names, strict=False))
    if len(found) != len(names) or is_mixed:
        raise BulkError(
            f"{len(found)} answers to {len(names)} documents, or in another order: all letters "
            "stay. Is there a proxy between? Run the same command again"
        )


def _require_removed(reply: object) -> None:
    """Raise `BulkError` where letters stay, which would be sent again next time."""
    for item in rows(reply, "items"):
        if error := part(item, "delete").get("error"):
            said = reason_of(error)
            raise BulkError(
                f"documents are stored, and their letters stay in {DEAD_LETTERS!r}: {said}. "
                f"{rights_remedy(said)}"
            )


def _lines(index: str, one: Sendable) -> bytes:
    name = {"_index": index, "_id": one.id} | _routed(one.key[1])
    return orjson.dumps({"index": name}) + b"\n" + orjson.dumps(one.document) + b"\n"


def _deletion(name: str, routing: str | None) -> bytes:
    return orjson.dumps({"delete": {"_id": name} | _routed(routing)}) + b"\n"


def _routed(routing: str | None) -> Json:
    return {} if routing is None else {"routing": routing}


def _reason(result: Json) -> str:
    status = part(result, "status")
    if "error" in result or not status < 300:
        return reason_of(result.get("error", f"status {status}"))
    if result.get("result") == "noop":
        return "dropped by an ingest pipeline of the index: its letter stays"
    return ANEW if part(result, "_index", kind=str) == DEAD_LETTERS else ""
