"""Documents from files: JSON Lines, plain or gzipped, each line a document or a reason why not."""

import gzip
import stat
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import orjson

from ..errors import JobError
from ..text import Fields, document_text

if TYPE_CHECKING:
    from io import BufferedReader

STDIN = "-"
SUFFIXES = (".jsonl", ".ndjson", ".json", "")
"""What a file of documents may be called, before an optional `.gz`."""

MAX_ID_BYTES = 512
MAX_LINE_BYTES = 64 * 2**20
"""A server takes 100 MB a request: a longer line could not be sent, so it is not held either."""

BOM = b"\xef\xbb\xbf"

Body: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class Document:
    """One line of a source: a document, or what was wrong with it (`reason`, not empty)."""

    source: str
    line: int
    raw: bytes
    id: str | None = None
    body: Body | None = None
    text: str = ""
    reason: str = ""


def check_sources(sources: Sequence[str]) -> None:
    """Raise `ValueError` for a source of another kind, `JobError` for one that can't be read."""
    if not sources:
        raise ValueError("no source: give at least one file, or '-' for stdin")
    if sources.count(STDIN) > 1:
        raise ValueError("'-' is given twice: stdin can be read once")
    for source in sources:
        if source == STDIN:
            continue
        name = Path(source).name.lower().removesuffix(".gz")
        if Path(name).suffix not in SUFFIXES:
            raise ValueError(
                f"{source}: documents are read from JSON Lines "
                f"({', '.join(filter(None, SUFFIXES))}, each also with .gz) or '-'; convert it"
            )
        if not Path(source).exists() or Path(source).is_dir():
            raise JobError(f"{source}: no such file; give a file of JSON Lines, or '-' for stdin")


def is_replayable(source: str) -> bool:
    """Return whether a second reading gives the same lines: a regular file, no pipe."""
    return source != STDIN and stat.S_ISREG(Path(source).stat().st_mode)


def read_jsonl(source: str, fields: Fields, *, skip_lines: int = 0) -> Iterator[Document]:
    """Yield the documents of a file or of stdin ("-"), from the line after `skip_lines`.

    Gzip is known by its first bytes, not by its name. Blank lines are no documents. A stream that
    breaks off ends in one document with the reason; `JobError` if the file cannot be read.
    """
    number = 0
    try:
        with _opened(source) as handle:
            while raw := handle.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(raw) > MAX_LINE_BYTES:
                    _skip_rest(handle, raw)
                if number > skip_lines and raw.strip():
                    yield parse(source, number, raw, fields)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        if number >= skip_lines:
            reason = f"gzip stream broken after line {number}: {error}; what follows is lost"
            yield Document(source, number + 1, b"", reason=reason)
    except OSError as error:
        raise JobError(f"{source}: cannot be read after line {number}: {error}") from error


def parse(source: str, number: int, raw: bytes, fields: Fields) -> Document:
    """Return the document of one line, or the reason why it is none."""
    line = raw.removeprefix(BOM).strip() if number == 1 else raw.strip()
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
    name = body.get(fields.id)
    reason = id_reason(name, fields.id) or text_reason(body, fields)
    known = str(name) if isinstance(name, str | int) else None
    if reason:
        return Document(source, number, line, known, body, reason=reason)
    body.pop("_id", None)  # the server takes no metadata field inside a document
    texts = (body.get(fields.title) if fields.title else None, body.get(fields.text))
    return Document(source, number, line, known, body, document_text(*texts))


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
    """Return why the text or the title of `body` cannot be encoded, or nothing."""
    for field in fields.text_fields:
        value = body.get(field)
        if value is not None and not isinstance(value, str):
            return f"field {field!r} is {_kind(value)}: it has to be a string"
    return ""


def _kind(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    if source == STDIN:
        yield _unzipped(sys.stdin.buffer)  # type: ignore[arg-type]
        return
    with Path(source).open("rb") as plain:
        yield _unzipped(plain)


def _unzipped(plain: "BufferedReader") -> BinaryIO:
    is_zipped = plain.peek(2)[:2] == b"\x1f\x8b"
    return gzip.GzipFile(fileobj=plain) if is_zipped else plain  # type: ignore[return-value]


def _skip_rest(handle: BinaryIO, raw: bytes) -> None:
    """Read to the end of a line of which only the beginning was read."""
    while raw and not raw.endswith(b"\n"):
        raw = handle.readline(MAX_LINE_BYTES)
