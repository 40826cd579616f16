"""Lines of text to impacts: what `splare-os encode` does, as a function."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ..documents.document import Document, parse
from ..documents.fields import Fields
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
    encoder: Encoder, lines: Iterable[bytes], *, query: bool = False, fields: Fields | None = None
) -> Iterator[EncodedLine]:
    """Yield the impacts of each line, in order: a JSON object, or else a text as it stands.

    Blank lines are passed over. A line that starts with "{" and is no document has a reason.
    """
    documents = _documents(lines, fields or Fields())
    encode = encoder.encode_queries if query else encoder.encode_documents
    while batch := list(islice(documents, BATCH)):
        rows = encode([document.text for document in batch])
        for row, document in enumerate(batch):
            name = document.id or str(document.line)
            yield EncodedLine(name, to_features(rows, row), document.reason)


def texts_of(lines: Iterable[bytes], fields: Fields) -> Iterator[str]:
    """Yield the texts of the lines that have one."""
    return (document.text for document in _documents(lines, fields) if document.text)


def _documents(lines: Iterable[bytes], fields: Fields) -> Iterator[Document]:
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text.startswith(b"{"):
            yield parse("-", number, line, fields)
        elif text:
            yield Document("-", number, text, str(number), text=text.decode(errors="replace"))
