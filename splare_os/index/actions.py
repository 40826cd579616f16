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
class Action:
    """One document on its way: its id and its two lines (action, source) of the bulk body."""

    id: str
    lines: bytes


def to_action(document: Document, impacts: FieldImpacts | None, row: int, target: Target) -> Action:
    """Return the action that stores a document whole, with its impacts (None: it has none).

    `ValueError` if the document nests too deeply to be written.
    """
    if document.id is None or document.body is None:
        raise ValueError(f"line {document.line} is no document: {document.reason}")
    has_any = impacts is not None and impacts.lengths[row] > 0
    ours = impacts_object(impacts, row) if impacts is not None and has_any else {"count": 0}
    body = document.body | {target.field: ours | {"digest": _digest(document, target)}}
    head = orjson.dumps({"index": {"_index": target.index, "_id": document.id}})
    try:
        tail = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"cannot be written as JSON: {error}") from error
    return Action(document.id, head + b"\n" + tail + b"\n")


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
