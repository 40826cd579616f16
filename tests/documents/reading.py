"""Documents read in one go, and from every position."""

from pathlib import Path

from splare_os.documents.document import Document
from splare_os.documents.fields import Fields
from splare_os.documents.sources import read_documents

FIELDS = Fields()


def read(path: Path | str, after: int = 0, fields: Fields = FIELDS) -> list[Document]:
    return list(read_documents(str(path), fields, after=after))


def read_and_resumed(path: Path | str, fields: Fields = FIELDS) -> list[Document]:
    """Return all documents, once reading from any position was seen to give the rest of them."""
    whole = read(path, fields=fields)
    positions = [document.line for document in whole]
    assert positions == sorted(set(positions))
    for after in range(max(positions, default=0) + 2):
        rest = [document for document in whole if document.line > after]
        assert read(path, after, fields) == rest, after
    return whole
