"""Documents on their way: each one's fate told apart, patience bounded.

A document that the cluster refuses is a `Refusal`; a cluster that takes nothing any more is a
`BulkError`. What may pass with time is sent again with growing pauses. A document is dead only
when the index is known to take others.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from threading import Event
from typing import Protocol, TypeAlias

from opensearchpy import TransportError

from ..documents.shards import Version
from ..errors import BulkError
from .actions import Action, Update, Write
from .bulk import MOST_REQUESTS, BulkOptions, chunks
from .gate import Gate
from .handle import SEEN_S, Handle
from .misplaced import believed
from .patience import (
    FAILURES,
    Attempts,
    Failure,
    Patience,
    describe,
    is_transient,
    status_of,
    within,
)
from .replies import MOVED, Advice, Refusal, Verdict, remedy, verdicts
from .traffic import Traffic

log = logging.getLogger(__name__)

Fates: TypeAlias = dict[str, Verdict]  # by id

SPLIT = frozenset({400, 413})
"""Statuses of a whole request that one of its documents has caused, most likely."""

BUSY = frozenset({429, 503})
"""Statuses that no document has caused."""

TOO_MUCH = "circuit_breaking_exception"
"""The error of a cluster whose memory is too short for what it is asked."""

FAULTS = 3
"""Times that a document has to fail alike, while the index takes others, until it is dead."""

UNSAID = 5
"""So many where nothing says that it is the document's fault: status 500, no reply, none to read.

Then it is sent `FAULTS` times more: where one request in three fails by chance, ten in a row are
one document of sixty thousand.
"""

CONFLICTS = 5
"""Times in a row that a document's version is looked up and written over."""

ALIKE = 16
"""So many documents refused for one reason, and no other stored: not their fault."""


class BulkClient(Protocol):
    """The cluster as documents are written to it; `opensearchpy.OpenSearch` is one."""

    def bulk(self, *, body: bytes, params: Mapping[str, str | float]) -> object:
        """Return the reply to one bulk request; `TransportError` if there is none."""


class Sender:
    """Sends actions to one concrete index; threads may share it."""

    def __init__(
        self,
        client: BulkClient,
        handle: Handle,
        options: BulkOptions | None = None,
        patience: Patience | None = None,
        stop: Event | None = None,
    ) -> None:
        self.client, self.handle = client, handle
        self.options = options or BulkOptions()
        self.patience = patience or Patience()
        self.stop = stop or Event()
        self.traffic = Traffic()
        self.gate = Gate(self.options.most_requests or MOST_REQUESTS, self.options.max_bytes)

    @property
    def n_at_once(self) -> int:
        """How many requests the cluster takes at once, as far as is known."""
        return int(self.gate.limit)

    def send(self, actions: Sequence[Write]) -> list[Verdict]:
        """Return each action's refusal, None where it was stored; ids must be distinct.

        `BulkError` if the cluster takes no more; some of these actions may then be stored.
        """
        fates: Fates = {}
        for chunk in chunks(actions, replace(self.options, max_bytes=self.gate.max_bytes)):
            found = self._delivered(chunk)
            self._refuse_systemic(found)
            fates |= found | self._watched(chunk, found)
        return [fates[action.id] for action in actions]

    def _delivered(self, actions: list[Write]) -> Fates:
        """Return the fate of each action, sent in halves where one of them breaks the request."""
        fates: Fates = {}
        failure: Failure | None = None
        waiting, faults = actions, Counter[int]()
        for attempt in (tries := Attempts(self.patience, self.stop)):
            self.traffic.resent(len(waiting) if attempt > 1 else 0)
            try:
                found = self._answered(waiting)
            except FAILURES as error:
                failure = error
                tries.failed(error)
                faults[status_of(error)] += self._is_own(error, attempt, len(waiting))
                n_faults = max(faults.values())  # who is at fault fails alike, each time
                if (self._is_too_much(error, attempt) or n_faults) and len(waiting) > 1:
                    self.traffic.resent(len(waiting))
                    middle = len(waiting) // 2
                    halves = waiting[:middle], waiting[middle:]
                    return fates | self._delivered(halves[0]) | self._delivered(halves[1])
                if n_faults == (UNSAID if is_transient(error) else FAULTS):
                    return fates | {waiting[0].id: _whole(error, "dead")}
                continue
            failure = None
            fates |= found
            waiting = [action for action in waiting if _is_open(action, fates, attempt)]
            if not waiting:
                return fates
            log.info("resend index=%s documents=%d try=%d", self._index, len(waiting), attempt)
        if failure is not None:
            raise self._error(_whole(failure, "again"), len(waiting), len(actions))
        return fates

    def _is_too_much(self, error: Failure, attempt: int) -> bool:
        """Return whether the cluster's memory is too short for requests of this size.

        What comes later will be smaller; this one is, if it does not pass the second time.
        """
        if not (isinstance(error, TransportError) and error.error == TOO_MUCH):
            return False
        self.gate.shrink()
        return attempt > 1

    @property
    def _index(self) -> str:
        return self.handle.index

    def _answered(self, actions: list[Write]) -> Fates:
        """Return what the cluster says to one request; what moved or is in doubt is sent again."""
        fates = self._request(actions)
        for n_sent in range(1, CONFLICTS + 1):
            open_ones = ("moved", "doubt") if n_sent < FAULTS else ("moved",)
            again = [one for one in actions if (fate := fates[one.id]) and fate.advice in open_ones]
            there = self.handle.versions(again)
            renewed = [new for one in again if (new := _renewed(one, there.get(one.id)))]
            if not renewed:
                break
            fates |= self._request(renewed)
        return fates

    def _request(self, actions: Sequence[Write]) -> Fates:
        body = b"".join(action.lines for action in actions)
        self.traffic.add(len(body))
        self.handle.check(max_age_s=SEEN_S)  # the cluster would make one that is gone by itself
        with self.gate.passed(len(body), self.stop) as trip:
            bulk = partial(self.client.bulk, body=body, params=self.options.params())
            reply = within(bulk, self.stop, self.options.timeout_s + 1)
            ids = (action.id for action in actions)
            fates = dict(zip(ids, verdicts(reply, actions), strict=True))
            trip.is_pressed = any(fate and fate.status in BUSY for fate in fates.values())
        if any(fate and fate.reason.startswith(TOO_MUCH) for fate in fates.values()):
            self.gate.shrink()
        self.handle.check()
        self._refuse_closed(fates)
        return fates | believed(actions, fates, self.handle, self.options)

    def _refuse_closed(self, fates: Fates) -> None:
        """Raise `BulkError` if documents are in doubt because the index takes no writes."""
        doubted = [fate for fate in fates.values() if fate and fate.advice == "doubt"]
        reason = self.handle.refusal() if doubted else ""
        if reason:
            said = f"{doubted[0].reason}; it takes no writes: {reason}"
            raise self._error(replace(doubted[0], reason=said), len(doubted), len(fates))

    def _is_own(self, error: Failure, attempt: int, n_actions: int) -> bool:
        """Return whether a request failed for what is in it; `BulkError` if any always would."""
        status = status_of(error)
        if status in SPLIT and n_actions > 1:
            return True
        if is_transient(error) and (attempt < FAULTS or (status in BUSY and n_actions == 1)):
            return False
        reason = self.handle.refusal()
        if reason and not is_transient(error) and status not in SPLIT:
            raise self._error(_whole(error, "stop"), n_actions, n_actions)
        return not reason

    def _watched(self, actions: Sequence[Write], fates: Fates) -> Fates:
        """Return the fates of those that failed without a reason of their own, written once more.

        Each alone, over the very version that is there: one that moves was written, whatever the
        cluster says of it.
        """
        found: Fates = {}
        for action in (one for one in actions if _may_be_there(fates[one.id])):
            before = self.handle.versions([action]).get(action.id)
            renewed = _renewed(action, before)
            fate = self._once_more(renewed, fates[action.id]) if renewed else MOVED
            is_unsure = _may_be_there(fate) or (fate is not None and fate.advice == "moved")
            if is_unsure and self.handle.versions([action]).get(action.id) != before:
                fate = None if isinstance(action, Action) else MOVED
            if fate is not None and _is_systemic(fate):
                raise self._error(fate, 1, 1)
            found[action.id] = fate
        return found

    def _once_more(self, action: Write, known: Verdict) -> Verdict:
        """Return what the cluster says of one document; what is `known` where it fails again.

        It is asked `FAULTS` times, as replies get lost; once where it is refused as before.
        """
        for _ in range(FAULTS):
            try:
                fate = self._request([action])[action.id]
            except FAILURES as error:
                if not is_transient(error) and status_of(error) == (known and known.status):
                    break
                continue
            if fate is None or _is_systemic(fate) or not _may_be_there(fate):
                return fate
            known = fate
        return known

    def _refuse_systemic(self, fates: Fates) -> None:
        """Raise `BulkError` for a refusal that is not the fault of the documents it hit."""
        refusals = [fate for fate in fates.values() if fate and fate.advice != "moved"]
        hit = [fate for fate in refusals if _is_systemic(fate)]
        if not hit and len(refusals) == len(fates) > 1:  # not one of many got through
            reason = Counter(fate.reason for fate in refusals).most_common(1)[0][0]
            alike = [fate for fate in refusals if fate.reason == reason]
            again = all(fate.is_whole or fate.advice == "again" for fate in refusals)
            if len(alike) >= ALIKE or (again and (alike[0].is_whole or self.handle.refusal())):
                hit = alike
        if hit:
            raise self._error(hit[0], len(hit), len(fates))

    def _error(self, refusal: Refusal, n_refused: int, n_actions: int) -> BulkError:
        return BulkError(
            f"index {self._index!r} refuses {n_refused} of {n_actions} documents: status "
            f"{refusal.status}, {refusal.reason}. {remedy(refusal)}"
        )


def _whole(error: Failure, advice: Advice) -> Refusal:
    return Refusal(status_of(error), describe(error), advice, is_whole=True)


def _renewed(action: Write, there: Version | None) -> Write | None:
    """Return what may be sent of an action again: a whole document, over what is there now.

    An update may be sent only over the version that it was made for, or else not at all.
    """
    if isinstance(action, Action):
        return replace(action, over=there)
    return action if there == action.over else None


def _may_be_there(fate: Verdict) -> bool:
    """Return whether the cluster may have stored a document and failed, or been cut off, after."""
    return fate is not None and (fate.is_whole or fate.advice == "again")


def _is_open(action: Write, fates: Fates, attempt: int) -> bool:
    fate = fates[action.id]
    if fate is None or fate.advice not in ("again", "moved"):
        return False
    if fate.advice == "moved" and isinstance(action, Update):
        return False
    return fate.status != 500 or attempt < UNSAID


def _is_systemic(fate: Refusal) -> bool:
    """Return whether the run has to end: blocked, or overloaded for longer than we wait."""
    if fate.advice == "again":
        return fate.status not in (0, 500)
    return fate.advice == "stop"
