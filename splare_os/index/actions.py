"""Documents and their impacts as the actions of a bulk request: pure functions."""

from dataclasses import dataclass
from typing import TypeAlias

import orjson

from ..documents.document import Body, Document, encoded_text
from ..documents.fields import Fields
from ..documents.shards import Version
from ..layout.cut import DocumentCut
from ..layout.field import digest
from ..layout.records import FieldRecord
from ..scoring import Saturation


@dataclass(frozen=True)
class Target:
    """Where impacts go, and how they are made: index (concrete), field, model, cut, saturation.

    `others` are the index's other impacts fields, and what they are made from. `is_compact`: its
    `_source` has no impacts. `model` is the model's name, `record` what the index says of the
    field.
    """

    index: str
    field: str
    fingerprint: str
    cut: DocumentCut
    saturation: Saturation | None = None
    others: tuple[tuple[str, Fields], ...] = ()
    is_compact: bool = False
    model: str = ""
    record: FieldRecord | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A document that the index holds: its `_source`, and which write made it.

    `lacks_impacts`: it tells of impacts, and they are not there.
    """

    source: Body
    version: Version
    lacks_impacts: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """One document on its way: its id, its `_source`, and the version that it is written over.

    `over` None: the index has no such document. The cluster refuses any other case (409), and so a
    request that the network delivers late, after newer ones, changes nothing.
    """

    index: str
    id: str
    source: bytes
    over: Version | None = None

    @property
    def n_bytes(self) -> int:
        """About the size of its lines."""
        return len(self.source) + OVERHEAD

    @property
    def lines(self) -> bytes:
        """Its two lines of the bulk body."""
        name = {"_index": self.index, "_id": self.id}
        if self.over is None:
            head = orjson.dumps({"create": name})
        else:
            over = {"if_seq_no": self.over.seq_no, "if_primary_term": self.over.primary_term}
            head = orjson.dumps({"index": name | over})
        return head + b"\n" + self.source + b"\n"


OVERHEAD = 100
"""Bytes of an action that are not its document."""

SET_FIELD = "ctx._source[params.field] = params.value"

REMOVE_FIELD = (
    "ctx._source.keySet().removeIf(k -> k.equals(params.field) || k.startsWith(params.field + '.'))"
)
"""Other writers may have written the paths of the field as keys."""


@dataclass(frozen=True, slots=True)
class Update:
    """The impacts of a document that is there, on their way.

    `value` is the object as JSON (None: it goes), `digest` what it says of the text. The cluster
    refuses it (409) unless the document is still the version `over`: what others write meanwhile
    stays. No pipeline of the index sees what a bulk request updates.
    `is_first`: the document has no such object. One that is there has to be replaced by a script:
    merged, it would keep latents that the text shows no longer.
    """

    index: str
    id: str
    field: str
    value: bytes | None
    digest: str
    over: Version
    routing: str | None = None
    is_first: bool = True

    @property
    def n_bytes(self) -> int:
        """About the size of its lines."""
        return len(self.value or b"") + OVERHEAD

    @property
    def lines(self) -> bytes:
        """Its two lines of the bulk body."""
        over = {"if_seq_no": self.over.seq_no, "if_primary_term": self.over.primary_term}
        name = {"_index": self.index, "_id": self.id} | over
        head = {"update": name if self.routing is None else name | {"routing": self.routing}}
        return orjson.dumps(head) + b"\n" + orjson.dumps(self._body()) + b"\n"

    def _body(self) -> dict[str, object]:
        params: dict[str, object] = {"field": self.field}
        if self.value is None:
            return {"script": {"source": REMOVE_FIELD, "params": params}}
        value = orjson.Fragment(self.value)
        if self.is_first:
            return {"doc": {self.field: value}}
        return {"script": {"source": SET_FIELD, "params": params | {"value": value}}}


Write: TypeAlias = Action | Update


def to_action(
    document: Document, field: bytes, target: Target, held: Stored | None = None
) -> Action:
    """Return the action that stores a document whole; `field` is its impacts field, as JSON.

    `held` is what the index holds of it: it is written over that version, and keeps what is in
    other impacts fields. `ValueError` if the document nests too deeply to be written.
    """
    if document.id is None or document.body is None:
        raise ValueError(f"line {document.line} is no document: {document.reason}")
    kept = _kept(document.body, held.source, target) if held else {}
    try:
        source = orjson.dumps(document.body | kept | {target.field: orjson.Fragment(field)})
    except orjson.JSONEncodeError as error:
        raise ValueError(f"cannot be written as JSON: {error}") from error
    return Action(target.index, document.id, source, held.version if held else None)


def _kept(body: Body, stored: Body, target: Target) -> Body:
    """Return the other impacts fields of a stored document whose texts have not changed.

    Those of other texts are left out: a backfill finds what is missing, nobody what is wrong.
    """
    return {
        name: stored[name]
        for name, fields in target.others
        if name in stored and encoded_text(body, fields) == encoded_text(stored, fields)
    }


def is_unchanged(document: Document, stored: Body | None, target: Target) -> bool:
    """Return whether the index holds this very document: same text, same model, same rest.

    `stored` is the document's `_source`, None if there is none.
    """
    ours = (stored or {}).get(target.field)
    if stored is None or document.body is None or not isinstance(ours, dict):
        return False
    if ours.get("digest") != text_digest(document.text, target):
        return False
    ours = {target.field, *(name for name, _ in target.others)}
    rest = {key: value for key, value in stored.items() if key not in ours}
    try:  # compared as JSON, in which `true` is not `1`, as it is for Python's ==
        return _canonical(rest) == _canonical(document.body)
    except orjson.JSONEncodeError:
        return False


def text_digest(text: str, target: Target) -> str:
    """Return the digest of a text whose impacts go to `target`."""
    return digest(text, target.fingerprint, target.cut, target.saturation)


def _canonical(body: Body) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
