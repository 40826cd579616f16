"""Dead letters as documents: what could not be stored, once more."""

from collections.abc import Iterator

import orjson

from .document import Document, parse
from .fields import Fields
from .files import File
from .lines import read_lines

SUFFIX = ".dead.jsonl"


def read_letters(file: File, fields: Fields, after: int) -> Iterator[Document]:
    """Yield the documents of the letters after line `after`, each at the line of its letter.

    One whose line was no document, or is none of `splare-os index`, has a reason.
    """
    for line in read_lines(file):
        if line.number <= after or line.is_rest:
            continue
        if line.reason:
            yield Document(file.name, line.number, b"", reason=line.reason)
        elif line.raw.strip():
            yield _document(file.name, line.number, line.raw, fields)


def _document(source: str, number: int, raw: bytes, fields: Fields) -> Document:
    try:
        letter = orjson.loads(raw)
        content = letter["document"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        return Document(source, number, raw.strip(), reason=f"no dead letter: {error}")
    if not isinstance(content, str):
        reason = "a letter of a backfill: mend the document in its index, and backfill again"
        return Document(source, number, raw.strip(), reason=reason)
    return parse(source, number, content.encode(), fields)
