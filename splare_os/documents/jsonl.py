"""Documents from JSON Lines: each line an object, or a reason why not."""

from collections.abc import Iterator

from .document import Document, parse
from .fields import Fields
from .files import File
from .lines import read_lines


def read_jsonl(file: File, fields: Fields, after: int) -> Iterator[Document]:
    """Yield the documents after line `after`; blank lines are none."""
    for line in read_lines(file):
        if line.number <= after or line.is_rest:
            continue
        if line.reason:
            yield Document(file.name, line.number, b"", reason=line.reason)
        elif line.raw.strip():
            yield parse(file.name, line.number, line.raw, fields)
