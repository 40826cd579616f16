"""A page of an index on its way back: which documents lack their impacts, and the updates.

Pure functions.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from ..documents.document import Body, Document, encoded_text, text_reason
from ..documents.fields import Fields
from ..documents.shards import Held
from ..encoder import Encoder
from ..layout.field import FieldImpacts
from .actions import Target, Update, text_digest
from .checkpoint import Sent
from .chunk import Chunk, Entry, encode, fields_of
from .replies import Verdict
from .scan import Page
from .stages import Stages

BackfillStatus: TypeAlias = Literal["indexed", "unchanged", "empty", "moved", "gone", "dead"]
BACKFILL_STATUSES: tuple[BackfillStatus, ...] = (
    *("indexed", "unchanged", "empty", "moved", "gone", "dead"),
)


@dataclass(frozen=True, slots=True)
class BackfillOutcome:
    """What became of one document that was read; `reason` says why for the dead."""

    id: str
    status: BackfillStatus
    index: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """A page, and by position in it the updates that its documents need; `chunk` counts them."""

    page: Page
    actions: Mapping[int, Update]
    chunk: Chunk

    def settle(
        self, verdicts: Sequence[Verdict], present: Collection[str]
    ) -> list[tuple[BackfillOutcome, bytes]]:
        """Return each document's outcome, and its dead letter (b"": none).

        `present`: which of those that others have written to meanwhile are still there.
        """
        refusals = dict(zip(self.actions, verdicts, strict=True))
        settled = []
        for at, held in enumerate(self.page.documents):
            refusal = refusals.get(at)
            status, reason = self._status(at, held, refusal, present)
            index = self.chunk.entries[at].document.source
            outcome = BackfillOutcome(held.id, status, index, reason)
            settled.append((outcome, letter(outcome, held, refusal) if reason else b""))
        return settled

    def sent(self) -> dict[str, Sent]:
        """Return by id what its updates count if they are stored, for who finds them there."""
        return {
            one.id: Sent(one.digest, self._stored_status(at), one.routing)
            for at, one in self.actions.items()
        }

    def _stored_status(self, at: int) -> BackfillStatus:
        return "empty" if at in self.chunk.empty else "indexed"

    def _status(
        self, at: int, held: Held, refusal: Verdict, present: Collection[str]
    ) -> tuple[BackfillStatus, str]:
        if at in self.chunk.dead:
            return "dead", self.chunk.dead[at]
        if at not in self.actions:
            return ("unchanged" if self.chunk.entries[at].document.text else "empty"), ""
        if refusal is None:
            return self._stored_status(at), ""
        if refusal.advice == "moved":
            return ("moved" if held.id in present else "gone"), ""
        return "dead", refusal.reason


def letter(outcome: BackfillOutcome, held: Held, refusal: Verdict) -> bytes:
    """Return the JSON line of a dead document: the wanted fields as they were read."""
    status = {"status": refusal.status} if refusal and refusal.status else {}
    name = {"_id": held.id, "index": outcome.index, "seq_no": held.version.seq_no}
    body = name | status | {"reason": outcome.reason, "document": held.source}
    return json.dumps(body).encode() + b"\n"  # a cluster may keep what orjson cannot write


def make_batch(
    page: Page,
    target: Target,
    fields: Fields,
    encoder: Encoder,
    *,
    lacking: Collection[str] = (),
    stages: Stages | None = None,
) -> Batch:
    """Return what is to be done for a page, its texts encoded where their impacts are not there.

    `lacking`: documents that tell of impacts which they have not.
    """
    entries = [_entry(held, target, fields) for held in page.documents]
    dead = {at: entry.document.reason for at, entry in enumerate(entries) if entry.document.reason}
    live = [at for at in range(len(entries)) if at not in dead]
    stale = [at for at in live if _is_stale(entries[at], target, lacking)]
    rows = {at: row for row, at in enumerate(at for at in stale if entries[at].document.text)}
    texts = [entries[at].document.text for at in rows]
    with (stages or Stages()).in_stage("encode"):
        impacts, failures = encode(encoder, texts, target.cut)
    made = FieldImpacts.of(impacts, target.saturation)
    dead |= {at: failures[row] for at, row in rows.items() if row in failures}
    live = [at for at in stale if at not in dead]
    written = fields_of({at: entries[at].document for at in stale}, rows, made, target)
    updates = {
        at: _update(page.documents[at], entries[at].document, written[at], target) for at in live
    }
    lengths = np.diff(impacts.indptr)
    bare = frozenset(at for at in live if at not in rows or not lengths[rows[at]])
    earlier = {at: ours for at in live if (ours := _ours(entries[at].document.body, target))}
    return Batch(page, updates, Chunk(entries, dead, updates, bare, made, rows, earlier))


def _entry(held: Held, target: Target, fields: Fields) -> Entry:
    source = held.source or {}
    reason = text_reason(source, fields)
    text = "" if reason else encoded_text(source, fields)
    made = Document(target.index, held.version.seq_no, b"", held.id, source, text, reason)
    return Entry(held.version.seq_no, made, is_repeat=False)


def _ours(body: Body | None, target: Target) -> Body | None:
    ours = (body or {}).get(target.field)
    return ours if isinstance(ours, dict) else None


def _is_stale(entry: Entry, target: Target, lacking: Collection[str]) -> bool:
    """Return whether the impacts of a document are not those of its text, or `lacking`.

    One without a text, and without impacts, is left as it is.
    """
    if entry.document.id in lacking:
        return True
    ours = _ours(entry.document.body, target)
    if ours is None:
        return bool(entry.document.text)
    return ours.get("digest") != text_digest(entry.document.text, target)


def _update(held: Held, document: Document, field: bytes, target: Target) -> Update:
    digest = text_digest(document.text, target)
    is_first = target.field not in (held.source or {})
    return Update(
        target.index, held.id, target.field, field, digest, held.version, held.routing, is_first
    )
