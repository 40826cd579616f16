"""Dead letters that a pipeline has left, sent once more through the pipeline of their index."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
from opensearchpy import OpenSearch

from ..connection import rights_remedy
from ..errors import BulkError
from ..layout.existing import index_exists
from ..layout.pipeline import DEAD_LETTERS
from ..reply import part
from .patience import reason_of

AT_A_TIME = 100
ANEW = "refused again: its letter is anew"

Letter: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Replayed:
    """One letter that was sent again: the id of its document, and why it failed again, if it did.

    A letter that failed again is in the dead letters anew, or still.
    """

    id: str | None
    reason: str = ""


def replay(client: OpenSearch, index: str) -> Iterator[Replayed]:
    """Yield what becomes of each dead letter of `index`, oldest first; what is stored is removed.

    A document that was written anew since it failed is written over: replay before that.
    """
    if not index_exists(client, DEAD_LETTERS):
        return
    client.indices.refresh(index=DEAD_LETTERS)
    found = _letters(client, index)
    letters = [letter for letter in found if "document" in letter["_source"]]
    others = [letter["_source"].get("id") for letter in found if letter not in letters]
    yield from (Replayed(name, "no dead letter: it holds no document") for name in others)
    for start in range(0, len(letters), AT_A_TIME):
        yield from _sent(client, index, letters[start : start + AT_A_TIME])


def _letters(client: OpenSearch, index: str) -> list[Letter]:
    """Return all letters of an index that are there now: those that come meanwhile are others."""
    found: list[Letter] = []
    query = {"term": {"index": index}}
    body: dict[str, Any] = {"query": query, "size": 1000, "sort": ["@timestamp"]}
    reply = client.search(index=DEAD_LETTERS, body=body, params={"scroll": "5m"})
    while hits := part(reply, "hits", "hits"):
        found += hits
        reply = client.scroll(body={"scroll_id": reply["_scroll_id"], "scroll": "5m"})
    client.clear_scroll(body={"scroll_id": reply["_scroll_id"]})
    return found


def _sent(client: OpenSearch, index: str, letters: Sequence[Letter]) -> list[Replayed]:
    """Return what becomes of letters, all of which have a document."""
    names = [letter["_source"].get("id") for letter in letters]
    lines = b"".join(_lines(index, letter["_source"]) for letter in letters)
    results = [part(item, "index") for item in part(client.bulk(body=lines), "items")]
    _require_order(results, names)
    reasons = [_reason(result) for result in results]
    done = [
        b'{"delete":' + orjson.dumps({"_id": letter["_id"]}) + b"}\n"
        for letter, reason in zip(letters, reasons, strict=True)
        if reason in ("", ANEW)
    ]
    if done:
        _require_removed(client.bulk(body=b"".join(done), index=DEAD_LETTERS))
    return list(map(Replayed, names, reasons))


def _require_order(results: Sequence[Letter], names: Sequence[str | None]) -> None:
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
    for item in part(reply, "items"):
        if error := part(item, "delete").get("error"):
            said = reason_of(error)
            raise BulkError(
                f"documents are stored, and their letters stay in {DEAD_LETTERS!r}: {said}. "
                f"{rights_remedy(said)}"
            )


def _lines(index: str, letter: Letter) -> bytes:
    name = {"_index": index} | ({"_id": letter["id"]} if letter.get("id") is not None else {})
    return orjson.dumps({"index": name}) + b"\n" + orjson.dumps(letter["document"]) + b"\n"


def _reason(result: dict[str, Any]) -> str:
    status = part(result, "status")
    if "error" in result or not status < 300:
        return reason_of(result.get("error", f"status {status}"))
    return ANEW if part(result, "_index") == DEAD_LETTERS else ""
