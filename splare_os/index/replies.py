"""The reply to a bulk request, read item by item: stored, refused, to be sent again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .actions import Action
from .patience import TRANSIENT, reason_of

Advice: TypeAlias = Literal["dead", "again", "stop"]
"""The document's own fault; may pass with time; every other document would meet it too."""

SYSTEMIC = frozenset({401, 403, 404})
"""Statuses of an item that are not its document's fault: blocks, rights, a lost index."""

NO_PIPELINE = "illegal_argument_exception: pipeline with id ["
"""So begins "… does not exist", a 400 that looks like the document's fault."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one document was not stored; `is_whole`: the request was refused, not the item."""

    status: int
    reason: str
    advice: Advice
    is_whole: bool = False


Verdict: TypeAlias = Refusal | None
"""None: stored."""


def verdicts(reply: object, actions: Sequence[Action], index: str) -> list[Verdict]:
    """Return the fate of each action; ids must be distinct.

    Items stand in the order of the actions. A reply with fewer or more items than actions is
    matched by id, and an action without an item is to be sent again.
    """
    items = reply.get("items") if isinstance(reply, Mapping) else None
    if not isinstance(items, list):
        return [Refusal(0, "the reply has no items", "again", is_whole=True)] * len(actions)
    found = [_inner(item) for item in items]
    if len(found) == len(actions):
        return [verdict(item, action, index) for item, action in zip(found, actions, strict=True)]
    by_id = {str(item["_id"]): item for item in found if "_id" in item}
    return [verdict(by_id.get(action.id, {}), action, index) for action in actions]


def verdict(item: Mapping[str, object], action: Action, index: str) -> Verdict:
    """Return the fate that one item of a reply gives to its action."""
    status = item.get("status")
    if not isinstance(status, int):
        return Refusal(0, "the cluster's reply has no item for this document", "again")
    if status in TRANSIENT:
        return Refusal(status, reason_of(item.get("error")), "again")
    if status >= 300:
        reason = reason_of(item.get("error"))
        is_systemic = status in SYSTEMIC or NO_PIPELINE in reason
        return Refusal(status, reason, "stop" if is_systemic else "dead")
    return _misplaced(item, action, index, status)


def _misplaced(item: Mapping[str, object], action: Action, index: str, status: int) -> Verdict:
    """Return what an ingest pipeline did to a document that the cluster reports as taken."""
    if item.get("result") == "noop":
        return Refusal(status, "dropped by an ingest pipeline of the index", "dead")
    if item.get("_index") != index:
        reason = f"diverted by an ingest pipeline to the index {item.get('_index')!r}"
        return Refusal(status, reason, "dead")
    if item.get("_id") != action.id:
        reason = f"stored under the id {item.get('_id')!r} by an ingest pipeline"
        return Refusal(status, reason, "dead")
    return None


def _inner(item: object) -> Mapping[str, object]:
    """Return what stands under the action's name: `{"index": {…}}`."""
    if not isinstance(item, Mapping) or len(item) != 1:
        return {}
    inner = next(iter(item.values()))
    return inner if isinstance(inner, Mapping) else {}
