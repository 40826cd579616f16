"""Documents from files: JSON Lines, plain or gzipped, each line a document or a reason why not."""

import gzip
import stat
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import JobError
from .document import MAX_LINE_BYTES, Document, parse
from .fields import Fields

if TYPE_CHECKING:
    from io import BufferedReader

STDIN = "-"
SUFFIXES = (".jsonl", ".ndjson", ".json", "")
"""What a file of documents may be called, before an optional `.gz`."""


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
