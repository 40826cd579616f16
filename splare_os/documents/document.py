"""One document: a line of JSON, its id and the text that is encoded, or why it is none."""

from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray

from .fields import Fields
from .paths import values_at
from .template import document_text, filled

MAX_ID_BYTES = 512
MAX_LINE_BYTES = 64 * 2**20
"""A server takes 100 MB a request: a longer line could not be sent, so it is not held either."""

Body: TypeAlias = dict[str, object]


class Row(NamedTuple):
    """Impacts of one text, by rising latent, and the fingerprint of the model that made them."""

    latents: NDArray[np.int32]
    values: NDArray[np.float32]
    model: str


@dataclass(frozen=True, slots=True)
class Document:
    """One line of a source: a document, or what was wrong with it (`reason`, not empty).

    `impacts` are there if it was encoded before.
    """

    source: str
    line: int
    raw: bytes
    id: str | None = None
    body: Body | None = None
    text: str = ""
    reason: str = ""
    impacts: Row | None = None

    def with_impacts(self, impacts: Row) -> "Document":
        """Return the document with the impacts that were made of it before."""
        return replace(self, impacts=impacts)


def parse(source: str, number: int, raw: bytes, fields: Fields) -> Document:
    """Return the document of one line, or the reason why it is none."""
    line = raw.strip()
    if len(raw) > MAX_LINE_BYTES:
        reason = f"line of more than {MAX_LINE_BYTES} bytes: split the document"
        return Document(source, number, raw[:1000], reason=reason)
    try:
        body = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Document(source, number, line, reason=f"invalid JSON: {error}")
    if not isinstance(body, dict):
        reason = f"not a JSON object but {_kind(body)}"
        return Document(source, number, line, reason=reason)
    return to_document(source, number, line, body, fields)


def to_document(source: str, number: int, raw: bytes, body: Body, fields: Fields) -> Document:
    """Return the document that `body` is, or the reason why it is none."""
    name = body.get(fields.id)
    reason = id_reason(name, fields.id) or text_reason(body, fields)
    known = str(name) if isinstance(name, str | int) else None
    if reason:
        return Document(source, number, raw, known, body, reason=reason)
    body.pop("_id", None)  # the server takes no metadata field inside a document
    return Document(source, number, raw, known, body, encoded_text(body, fields))


def encoded_text(body: Body, fields: Fields) -> str:
    """Return the text that is encoded for `body`; what is no string counts as missing."""
    texts = {name: _text_at(body, name) for name in fields.text_fields}
    if fields.template is not None:
        return filled(fields.template, texts)
    return document_text(texts[fields.title] if fields.title else None, texts[fields.text])


def _text_at(body: Body, path: str) -> str:
    """Return the text of a field, of an array those of all that is in it."""
    return " ".join(value for value in values_at(body, path) if isinstance(value, str))


def id_reason(name: object, key: str) -> str:
    """Return why `name` cannot be an id, or nothing."""
    if name is None:
        return f"no id: the key {key!r} is missing or null"
    if isinstance(name, bool) or not isinstance(name, str | int):
        return f"id of type {_kind(name)}: {key!r} has to be a string or an integer"
    size = len(str(name).encode())
    if size > MAX_ID_BYTES:
        return f"id of {size} bytes: the cluster takes at most {MAX_ID_BYTES}"
    return "" if size else f"id is empty: {key!r} has to name the document"


def text_reason(body: Body, fields: Fields) -> str:
    """Return why a text of `body` cannot be encoded, or nothing."""
    for field in fields.text_fields:
        for value in values_at(body, field):
            if not isinstance(value, str):
                return f"field {field!r} is {_kind(value)}: it has to be a string, or some"
            if not is_unicode(value):
                return f"field {field!r} holds half of a surrogate pair: write the character anew"
    return ""


def is_unicode(text: str) -> bool:
    """Return whether a text can be written in UTF-8: JSON has escapes that cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")
