"""Bulk requests: bounded in bytes, each document's fate told apart, patience bounded.

A document that the cluster refuses is a `Refusal`; a cluster that takes nothing any more is a
`BulkError`. What may pass with time is sent again with growing pauses.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Protocol

from opensearchpy import SerializationError, TransportError

from ..errors import BulkError
from .actions import Action
from .patience import Patience, attempts, describe, is_transient, status_of
from .replies import Refusal, Verdict, verdicts

log = logging.getLogger(__name__)

MAX_TRIES_ON_500 = 3
"""A 500 is a model server that is down or a pipeline that trips over this one document."""

SPLIT = frozenset({400, 413})
"""Statuses of a whole request that one of its documents may have caused."""


class BulkClient(Protocol):
    """The cluster as documents are written to it; `opensearchpy.OpenSearch` is one."""

    def bulk(self, *, body: bytes, params: Mapping[str, str | float]) -> object:
        """Return the reply to one bulk request; `TransportError` if there is none."""


@dataclass(frozen=True)
class BulkOptions:
    """Bounds of one request (managed clusters take 10 MiB) and the pipeline it names."""

    max_actions: int = 500
    max_bytes: int = 8 * 2**20
    timeout_s: float = 60.0
    pipeline: str | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that no document fits."""
        if self.max_actions < 1 or self.max_bytes < 1 or self.timeout_s <= 0:
            raise ValueError(
                f"max_actions={self.max_actions}, max_bytes={self.max_bytes}, "
                f"timeout_s={self.timeout_s}: each has to be positive"
            )

    def params(self) -> dict[str, str | float]:
        """Return the parameters of the request."""
        named = {} if self.pipeline is None else {"pipeline": self.pipeline}
        return {"request_timeout": self.timeout_s} | named


def chunks(actions: Sequence[Action], options: BulkOptions) -> Iterator[list[Action]]:
    """Yield the actions in order, cut where the next would pass the count or the bytes."""
    chunk: list[Action] = []
    size = 0
    for action in actions:
        is_full = len(chunk) == options.max_actions or size + len(action.lines) > options.max_bytes
        if chunk and is_full:
            yield chunk
            chunk, size = [], 0
        chunk.append(action)
        size += len(action.lines)
    if chunk:
        yield chunk


class Sender:
    """Sends actions to one concrete index; threads may share it."""

    def __init__(
        self,
        client: BulkClient,
        index: str,
        options: BulkOptions | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.client, self.index = client, index
        self.options = options or BulkOptions()
        self.patience = patience or Patience()
        self.stop = Event()

    def send(self, actions: Sequence[Action]) -> list[Verdict]:
        """Return each action's refusal, None where it was stored; ids must be distinct.

        `BulkError` if the cluster takes no more; some of these actions may then be stored.
        """
        fates: list[Verdict] = []
        for chunk in chunks(actions, self.options):
            fates += self._send_chunk(chunk)
        return fates

    def _send_chunk(self, chunk: list[Action]) -> list[Verdict]:
        fates: dict[int, Verdict] = {}
        waiting = list(range(len(chunk)))
        for attempt in attempts(self.patience, self.stop):
            answers = self._request([chunk[at] for at in waiting])
            fates |= dict(zip(waiting, answers, strict=True))
            waiting = [at for at in waiting if _is_open(fates[at], attempt)]
            if not waiting:
                break
            log.info("resend index=%s documents=%d try=%d", self.index, len(waiting), attempt)
        self._refuse_systemic(fates)
        return [fates[at] for at in range(len(chunk))]

    def _request(self, actions: list[Action]) -> list[Verdict]:
        """Send one request, in halves if it is refused as a whole for what is in it."""
        try:
            body = b"".join(action.lines for action in actions)
            reply = self.client.bulk(body=body, params=self.options.params())
        except SerializationError as error:  # a proxy's page instead of a reply
            return [Refusal(0, f"unreadable reply: {error}", "again", is_whole=True)] * len(actions)
        except TransportError as error:
            return self._split(error, actions)
        return verdicts(reply, actions, self.index)

    def _split(self, error: TransportError, actions: list[Action]) -> list[Verdict]:
        status = status_of(error)
        if status in SPLIT and len(actions) > 1:
            middle = len(actions) // 2
            return self._request(actions[:middle]) + self._request(actions[middle:])
        advice = "again" if is_transient(error) else "dead" if status in SPLIT else "stop"
        refusal = Refusal(status, describe(error), advice, is_whole=True)  # type: ignore[arg-type]
        return [refusal] * len(actions)

    def _refuse_systemic(self, fates: dict[int, Verdict]) -> None:
        """Raise `BulkError` for a refusal that is not the fault of the documents it hit."""
        refusals = [fate for fate in fates.values() if fate is not None]
        hit = [fate for fate in refusals if _is_systemic(fate)]
        none_passed = len(refusals) == len(fates) > 1
        if none_passed and all(fate.is_whole or fate.advice == "again" for fate in refusals):
            hit = hit or refusals  # not one of many got through: not the documents' fault
        if hit:
            raise BulkError(
                f"index {self.index!r} refuses {len(hit)} of {len(fates)} documents: status "
                f"{hit[0].status}, {hit[0].reason}. {_remedy(hit[0])}"
            )


def _is_open(fate: Verdict, attempt: int) -> bool:
    if fate is None or fate.advice != "again":
        return False
    return fate.status != 500 or attempt < MAX_TRIES_ON_500


def _is_systemic(fate: Refusal) -> bool:
    """Return whether the run has to end: blocked, or overloaded for longer than we wait."""
    if fate.advice == "again":
        return fate.is_whole or fate.status not in (0, 500)
    return fate.advice == "stop"


def _remedy(refusal: Refusal) -> str:
    actions = {
        401: "Give credentials that may write to it",
        403: "Lift the block, or give credentials that may write to it",
        404: "The index was deleted while it was written to",
        413: "Raise the limit on the size of a request, at the cluster or the proxy before it",
        400: "The request itself is refused: see the reason",
        429: "The cluster is overloaded or out of disk space",
    }
    remedy = actions.get(refusal.status, "The cluster does not answer")
    return f"{remedy}. Nothing is lost: run the same command again afterwards"
