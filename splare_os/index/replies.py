"""The reply to a bulk request, read item by item: stored, refused, to be sent again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..connection import TRANSIENT, missing_right, rights_remedy
from ..errors import ReplyError
from ..reply import part
from .actions import Write
from .patience import reason_of

Advice: TypeAlias = Literal["dead", "doubt", "again", "moved", "stop"]
"""The document's own fault; perhaps its own; may pass with time; another version is there, or none;
every other document would meet it too."""

SYSTEMIC = frozenset({401, 403, 404})
"""Statuses of an item that are not its document's fault: blocks, rights, a lost index."""

CONFLICT = 409

GONE = "document_missing_exception"
"""An update whose document was deleted."""

OWN_FAULTS = frozenset(
    {
        "mapper_parsing_exception",
        "document_parsing_exception",
        "strict_dynamic_mapping_exception",
        "json_parse_exception",
        "x_content_parse_exception",
    }
)
"""Errors that speak of one document's content. Of others nobody knows: a closed index, a limit on
shards and a field that is too long may all be a 400."""

NO_PIPELINE = "illegal_argument_exception: pipeline with id ["
"""So begins "… does not exist"."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one document was not stored; `is_whole`: the request was refused, not the item."""

    status: int
    reason: str
    advice: Advice
    is_whole: bool = False


Verdict: TypeAlias = Refusal | None
"""None: stored."""

MOVED = Refusal(409, "written by somebody since it was read", "moved")


def verdicts(reply: object, actions: Sequence[Write]) -> list[Verdict]:
    """Return the fate of each action; ids must be distinct. `ReplyError` if there are no items.

    Items are matched by id, and those of other ids (a pipeline may rename) in their order. An
    action without an item is to be sent again.
    """
    items = part(reply, "items")
    if not isinstance(items, list):
        raise ReplyError(f"the cluster's reply has no items, but {str(items)[:100]!r}")
    found = [_inner(item) for item in items]
    by_id = {item["_id"]: item for item in found if "_id" in item}
    named = {action.id for action in actions}
    others = [item for item in found if item.get("_id") not in named]
    missing = [action.id for action in actions if action.id not in by_id]
    if len(others) == len(missing):
        by_id |= dict(zip(missing, others, strict=True))
    return [verdict(by_id.get(action.id, {}), action) for action in actions]


def verdict(item: Mapping[str, object], action: Write) -> Verdict:
    """Return the fate that one item of a reply gives to its action."""
    status = item.get("status")
    if not isinstance(status, int):
        return Refusal(0, "the cluster's reply has no item for this document", "again")
    error = item.get("error")
    if status < 300 and not error:
        return _misplaced(item, action, status)
    if status < 300:
        return Refusal(0, f"status {status}, and an error: {reason_of(error)}", "again")
    return Refusal(status, reason_of(error), _advice(status, error))


def _advice(status: int, error: object) -> Advice:
    kind = str(error.get("type")) if isinstance(error, Mapping) else ""
    if status in TRANSIENT:
        return "again"
    if status == CONFLICT or kind == GONE:
        return "moved"
    if status in SYSTEMIC or NO_PIPELINE in reason_of(error):
        return "stop"
    return "dead" if kind in OWN_FAULTS else "doubt"


def _misplaced(item: Mapping[str, object], action: Write, status: int) -> Verdict:
    """Return what an ingest pipeline did to a document that the cluster reports as taken."""
    if item.get("result") == "noop":
        return Refusal(status, "dropped by an ingest pipeline of the index", "dead")
    if item.get("_index") != action.index:
        reason = f"diverted by an ingest pipeline to the index {item.get('_index')!r}"
        return Refusal(status, reason, "dead")
    if item.get("_id") != action.id:
        reason = f"stored under the id {item.get('_id')!r} by an ingest pipeline"
        return Refusal(status, reason, "dead")
    return None


def _inner(item: object) -> Mapping[str, object]:
    """Return what stands under the action's name: `{"index": {…}}`; nothing if it has no id."""
    if not isinstance(item, Mapping) or len(item) != 1:
        return {}
    inner = next(iter(item.values()))
    is_named = isinstance(inner, Mapping) and isinstance(inner.get("_id"), str)
    return inner if is_named else {}


def remedy(refusal: Refusal) -> str:
    """Return what to do about a refusal that ends a run."""
    if missing_right(refusal.reason):
        return f"{rights_remedy(refusal.reason)}. Nothing is lost: run the same command again"
    actions = {
        401: "Give credentials that may write to it",
        403: "Lift the block, or give credentials that may write to it",
        404: "The index was deleted while it was written to",
        413: "Raise the limit on the size of a request, at the cluster or the proxy before it",
        400: "The request itself is refused: see the reason",
        429: "The cluster is overloaded or out of disk space",
        500: "The cluster, or an ingest pipeline of the index, fails: see the reason",
        **dict.fromkeys((200, 201), "Take that pipeline off, or have it let documents through"),
    }
    said = actions.get(refusal.status, "The cluster does not answer")
    return f"{said}. Nothing is lost: run the same command again afterwards"
