"""Lines of text to impacts: what `splare-os encode` does, as a function."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ..documents.document import MAX_LINE_BYTES, Document, parse
from ..documents.fields import Fields
from ..documents.lines import Line
from ..encoder import Encoder
from ..impacts import Features, to_features

BATCH = 256


@dataclass(frozen=True)
class EncodedLine:
    """Impacts of one line, or the `reason` why there are none.

    `id` is the line's number if it has no other.
    """

    id: str
    impacts: Features
    reason: str = ""


def encode_lines(
    encoder: Encoder, lines: Iterable[Line], *, query: bool = False, fields: Fields | None = None
) -> Iterator[EncodedLine]:
    """Yield the impacts of each line, in order: a JSON object, or else a text as it stands.

    Blank lines are passed over. A line that starts with "{" and is no document has a reason, and
    so has one that is not UTF-8.
    """
    documents = _documents(lines, fields or Fields())
    encode = encoder.encode_queries if query else encoder.encode_documents
    while batch := list(islice(documents, BATCH)):
        rows = encode([document.text for document in batch])
        for row, document in enumerate(batch):
            name = document.id or str(document.line)
            yield EncodedLine(name, to_features(rows, row), document.reason)


def texts_of(lines: Iterable[Line], fields: Fields) -> Iterator[str]:
    """Yield the texts of the lines that have one."""
    return (document.text for document in _documents(lines, fields) if document.text)


def _documents(lines: Iterable[Line], fields: Fields) -> Iterator[Document]:
    for line in lines:
        text = line.raw.strip()
        if line.is_rest:
            continue
        if line.reason:
            yield Document("-", line.number, b"", reason=line.reason)
        elif text.startswith(b"{") or len(line.raw) > MAX_LINE_BYTES:
            yield parse("-", line.number, line.raw, fields)
        elif text:
            yield _plain(line.number, text)


def _plain(number: int, raw: bytes) -> Document:
    try:
        return Document("-", number, raw, str(number), text=raw.decode())
    except UnicodeDecodeError as error:
        return Document("-", number, raw, reason=f"not UTF-8: {error}")
