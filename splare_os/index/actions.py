"""Documents and their impacts as the actions of a bulk request: pure functions."""

from dataclasses import dataclass

import orjson

from ..documents.document import Body, Document
from ..layout.field import FieldImpacts, digest, impacts_object
from ..scoring import Saturation


@dataclass(frozen=True)
class Target:
    """Where impacts go, and how they are made: index (concrete), field, model, cut, saturation."""

    index: str
    field: str
    fingerprint: str
    top_k: int
    saturation: Saturation | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """Which write of a document the index holds; the cluster counts them."""

    seq_no: int
    primary_term: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A document that the index holds: its `_source`, and which write made it."""

    source: Body
    version: Version


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
    def lines(self) -> bytes:
        """Its two lines of the bulk body."""
        name = {"_index": self.index, "_id": self.id}
        if self.over is None:
            head = orjson.dumps({"create": name})
        else:
            over = {"if_seq_no": self.over.seq_no, "if_primary_term": self.over.primary_term}
            head = orjson.dumps({"index": name | over})
        return head + b"\n" + self.source + b"\n"


def to_action(
    document: Document,
    impacts: FieldImpacts | None,
    row: int,
    target: Target,
    over: Version | None = None,
) -> Action:
    """Return the action that stores a document whole, with its impacts (None: it has none).

    `ValueError` if the document nests too deeply to be written.
    """
    if document.id is None or document.body is None:
        raise ValueError(f"line {document.line} is no document: {document.reason}")
    has_any = impacts is not None and impacts.lengths[row] > 0
    ours = impacts_object(impacts, row) if impacts is not None and has_any else {"count": 0}
    body = document.body | {target.field: ours | {"digest": _digest(document, target)}}
    try:
        source = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"cannot be written as JSON: {error}") from error
    return Action(target.index, document.id, source, over)


def is_unchanged(document: Document, stored: Body | None, target: Target) -> bool:
    """Return whether the index holds this very document: same text, same model, same rest.

    `stored` is the document's `_source`, None if there is none.
    """
    ours = (stored or {}).get(target.field)
    if stored is None or document.body is None or not isinstance(ours, dict):
        return False
    if ours.get("digest") != _digest(document, target):
        return False
    rest = {key: value for key, value in stored.items() if key != target.field}
    try:  # compared as JSON, in which `true` is not `1`, as it is for Python's ==
        return _canonical(rest) == _canonical(document.body)
    except orjson.JSONEncodeError:
        return False


def _digest(document: Document, target: Target) -> str:
    return digest(document.text, target.fingerprint, target.top_k, target.saturation)


def _canonical(body: Body) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
