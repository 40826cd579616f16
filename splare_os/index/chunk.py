"""A chunk: documents that are encoded, sent and acknowledged together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ..documents.document import Body, Document, Row
from ..encoder import Encoder, is_able
from ..errors import EncoderError, SplareError
from ..impacts import Impacts, empty, stack
from ..layout.cut import DocumentCut
from ..layout.field import FieldImpacts, bad_impacts
from ..layout.field_json import empty_field_json, field_json
from .actions import Stored, Target, Write, is_unchanged, text_digest, to_action
from .dead_letters import to_letter
from .ledger import Status
from .replies import Verdict
from .stages import Stages

Failures: TypeAlias = dict[int, str]
"""Position to the reason why nothing can be stored for it."""

NO_ROW = Row(np.zeros(0, np.int32), np.zeros(0, np.float32), "")


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of a run: its place among all lines, and whether its id came before."""

    place: int
    document: Document
    is_repeat: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one line; `reason` says why for the dead."""

    id: str | None
    status: Status
    source: str
    line: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Entries in order, and by position what is to be done: dead, an action, or nothing.

    `made` are the impacts, with a row for each position in `rows`; `earlier` is what the index
    held of a document in the impacts field.
    """

    entries: Sequence[Entry]
    dead: Failures
    actions: Mapping[int, Write]
    empty: frozenset[int]
    made: FieldImpacts
    rows: Mapping[int, int]
    earlier: Mapping[int, Body]

    def settle(self, verdicts: Sequence[Verdict]) -> list[tuple[Outcome, bytes]]:
        """Return each entry's outcome, and its dead letter (b"": none).

        `verdicts` are the cluster's, one for each action.
        """
        refusals = dict(zip(self.actions, verdicts, strict=True))
        settled = []
        for at, entry in enumerate(self.entries):
            line, refusal = entry.document, refusals.get(at)
            reason = refusal.reason if refusal else self.dead.get(at, "")
            status: Status = "dead" if reason else self._status(at)
            outcome = Outcome(line.id, status, line.source, line.line, reason)
            settled.append((outcome, to_letter(line, reason, refusal) if reason else b""))
        return settled

    def _status(self, at: int) -> Status:
        if self.entries[at].is_repeat:
            return "replaced"
        if at not in self.actions:
            return "unchanged"
        return "empty" if at in self.empty else "indexed"


def make_chunk(
    entries: Sequence[Entry],
    stored: Mapping[str, Stored],
    encoder: Encoder,
    target: Target,
    stages: Stages | None = None,
) -> Chunk:
    """Return what is to be done for each entry, its text encoded where that is needed.

    `stored`: by id, what the index holds. `stages` is told how long encoding takes.
    """
    dead = {at: why for at, entry in enumerate(entries) if (why := _fault(entry, target))}
    live = [at for at in range(len(entries)) if at not in dead]
    changed = [at for at in live if not _is_stored(entries[at], stored, target)]
    rows = {at: row for row, at in enumerate(at for at in changed if entries[at].document.text)}
    with (stages or Stages()).in_stage("encode"):
        wanted = [entries[at].document for at in rows]
        impacts, failures = impacts_of(wanted, encoder, target.cut)
    made = FieldImpacts.of(impacts, target.saturation)
    dead |= {at: failures[row] for at, row in rows.items() if row in failures}
    fields = fields_of({at: entries[at].document for at in changed}, rows, made, target)
    actions: dict[int, Write] = {}
    for at in (at for at in changed if at not in dead):
        document = entries[at].document
        held = None if entries[at].is_repeat else stored.get(str(document.id))
        try:
            actions[at] = to_action(document, fields[at], target, held)
        except ValueError as error:
            dead[at] = str(error)
    lengths = np.diff(impacts.indptr)
    bare = frozenset(at for at in actions if at not in rows or not lengths[rows[at]])
    earlier = {at: ours for at in actions if (ours := _earlier(entries[at], stored, target))}
    return Chunk(entries, dead, actions, bare, made, rows, earlier)


def fields_of(
    documents: Mapping[int, Document], rows: Mapping[int, int], made: FieldImpacts, target: Target
) -> dict[int, bytes]:
    """Return by position what goes into the impacts field of each document, as JSON.

    `rows`, of `made`, as in `Chunk`: in order.
    """
    digests = {at: text_digest(document.text, target) for at, document in documents.items()}
    fields = field_json(made, [digests[at] for at in rows])
    return {
        at: fields[rows[at]] if at in rows else empty_field_json(digests[at]) for at in documents
    }


def impacts_of(
    documents: Sequence[Document], encoder: Encoder, cut: DocumentCut
) -> tuple[Impacts, Failures]:
    """Return what `encode` does for their texts; where all have impacts already, those."""
    given = [document.impacts for document in documents if document.impacts is not None]
    if len(given) != len(documents) or not given:
        return encode(encoder, [document.text for document in documents], cut)
    failures = {
        at: f"was encoded by another model ({row.model}, not {encoder.fingerprint}): encode it anew"
        for at, row in enumerate(given)
        if row.model != encoder.fingerprint
    }
    rows = [NO_ROW if at in failures else row for at, row in enumerate(given)]
    values = np.concatenate([row.values for row in rows])
    latents = np.concatenate([row.latents for row in rows])
    starts = np.cumsum([0, *(len(row.latents) for row in rows)])
    impacts = Impacts((values, latents, starts), shape=(len(rows), encoder.n_latents))
    return cut.of(impacts), bad_impacts(impacts) | failures


def encode(encoder: Encoder, texts: Sequence[str], cut: DocumentCut) -> tuple[Impacts, Failures]:
    """Return what `cut` leaves of the impacts of each text, and the texts that have none to store.

    What an encoder raises is one text's fault, found by encoding one by one, unless every text
    meets it, and a plain one too; none is to blame for an error of ours, as of a server that is
    gone.
    """
    if not texts:
        return empty(0, encoder.n_latents), {}
    failures: Failures = {}
    try:
        impacts = _checked(encoder, texts)
    except SplareError:
        raise
    except Exception:  # noqa: BLE001  # encoders are of others too
        impacts, failures = _one_by_one(encoder, texts)
    failures |= bad_impacts(impacts)
    return cut.of(impacts), failures


def _checked(encoder: Encoder, texts: Sequence[str]) -> Impacts:
    impacts: Impacts = encoder.encode_documents(texts).astype(np.float32)
    if impacts.shape != (len(texts), encoder.n_latents):
        raise EncoderError(
            f"encoder {encoder.name!r} returned {impacts.shape} for {len(texts)} texts of "
            f"{encoder.n_latents} latents: it has to return a row for each text"
        )
    if impacts.nnz and not 0 <= impacts.indices.min() <= impacts.indices.max() < encoder.n_latents:
        raise ValueError(
            f"latents {impacts.indices.min()} to {impacts.indices.max()} of an encoder that has "
            f"{encoder.n_latents}"
        )
    impacts.sum_duplicates()  # sorts the latents too
    return impacts


def _one_by_one(encoder: Encoder, texts: Sequence[str]) -> tuple[Impacts, Failures]:
    rows: list[Impacts] = []
    failures: Failures = {}
    broken: Exception | None = None
    for at, text in enumerate(texts):
        try:
            rows.append(_checked(encoder, [text]))
        except SplareError:
            raise
        except Exception as error:  # noqa: BLE001
            broken = broken if isinstance(error, ValueError) else error
            failures[at] = f"cannot be encoded: {type(error).__name__}: {error}"
            rows.append(empty(1, encoder.n_latents))
    if broken is not None and len(failures) == len(texts) and not is_able(encoder):
        raise EncoderError(  # out of memory, a lost device: not the documents' fault
            f"encoder {encoder.name!r} fails, whatever the text ({type(broken).__name__}: "
            f"{broken}): mend that, and run the same command again"
        ) from broken
    return stack(rows), failures


def _fault(entry: Entry, target: Target) -> str:
    """Return why an entry is dead before it is encoded, or nothing."""
    line = entry.document
    if line.reason or line.body is None:
        return line.reason
    ours = {target.field, *(name for name, _ in target.others)}
    taken = next((key for key in line.body if key.partition(".")[0] in ours), None)
    return f"has a field {taken!r} of its own, where its impacts go: rename it" if taken else ""


def _earlier(entry: Entry, stored: Mapping[str, Stored], target: Target) -> Body | None:
    held = stored.get(str(entry.document.id))
    ours = held.source.get(target.field) if held else None
    return ours if isinstance(ours, dict) else None


def _is_stored(entry: Entry, stored: Mapping[str, Stored], target: Target) -> bool:
    """Return whether the index holds this very document; never for a repeated id.

    The earlier line of the same id may be in flight: what was looked up is no proof.
    """
    held = stored.get(str(entry.document.id))
    source = held.source if held else None
    if entry.is_repeat or (held and held.lacks_impacts):
        return False
    return is_unchanged(entry.document, source, target)
