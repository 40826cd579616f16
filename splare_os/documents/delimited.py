"""Documents from CSV and TSV as RFC 4180 has them: a header, quotes, line ends within quotes.

The reader of the standard library has one limit of a cell's size for the whole process, and
after a cell beyond it goes on in the middle of a record.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import orjson

from ..errors import JobError
from .columns import check_columns
from .document import MAX_LINE_BYTES, Document, to_document
from .fields import Fields
from .files import File
from .lines import Line, read_lines

LONE_RETURN = re.compile(r"\r(?!\n)")
"""Ends the lines of old files, all of which are the header then."""


class _Grammar(NamedTuple):
    """How cells are told: `cell` matches one and its delimiter, `closed` lines without an end."""

    cell: re.Pattern[bytes]
    closed: re.Pattern[bytes]


@cache
def _grammar(delimiter: bytes) -> _Grammar:
    quoted = rb'"((?:[^"]++|"")*+)"'
    bare = rb'[^"%b][^%b]*+' % (delimiter, delimiter)
    after = rb"(?:%b|\Z)" % delimiter
    cell = rb"(?:%b|(%b|))(%b|\Z)" % (quoted, bare, delimiter)
    # what stands behind a closing quote is a fault, but no reason to look for another quote
    closed = rb"(?:(?:%b[^%b]*+|%b|)%b)*+\Z" % (quoted, delimiter, bare, after)
    return _Grammar(re.compile(cell), re.compile(closed))


def read_csv(file: File, fields: Fields, after: int) -> Iterator[Document]:
    """Yield the documents of records that begin after line `after`; all values are strings."""
    return _read(file, fields, after, _grammar(b","))


def read_tsv(file: File, fields: Fields, after: int) -> Iterator[Document]:
    """Yield the same where cells are parted by tabs."""
    return _read(file, fields, after, _grammar(b"\t"))


def _read(file: File, fields: Fields, after: int, grammar: _Grammar) -> Iterator[Document]:
    columns: list[str] = []
    for record in _records(read_lines(file), grammar):
        if record.reason:
            lost = "" if columns else "no header, so nothing is read: "
            document = _dead(file, record, lost + record.reason)
        elif not columns:
            columns = _header(file, record, fields, grammar)
            continue
        else:
            document = _document(file, record, columns, fields, grammar)
        if record.number > after:
            yield document
        if not columns:
            return


def _records(lines: Iterable[Line], grammar: _Grammar) -> Iterator[Line]:
    """Yield lines that belong together by their quotes, as one that has the first one's number."""
    kept = bytearray()
    first = n_bytes = last = 0
    is_open = False
    for line in lines:
        first, last = first or line.number, line.number
        if line.reason:
            yield Line(first, bytes(kept), reason=line.reason)
            return
        n_bytes += len(line.raw)
        if n_bytes <= MAX_LINE_BYTES:
            kept += line.raw
        is_open = _is_open(line, grammar, is_open=is_open)
        if not is_open and not line.is_cut:
            if n_bytes > len(line.raw) or line.raw.strip(b"\r\n"):
                yield _record(first, last, bytes(kept), n_bytes)
            kept, first, n_bytes = bytearray(), 0, 0
    if is_open:
        reason = f"a quote is not closed by line {last}, the last one: close it"
        yield Line(first, bytes(kept), reason=reason)


def _record(first: int, last: int, raw: bytes, n_bytes: int) -> Line:
    if n_bytes <= MAX_LINE_BYTES:
        return Line(first, raw)
    reason = (
        f"record of more than {MAX_LINE_BYTES} bytes, up to line {last}: split the document, "
        "or close its quotes"
    )
    return Line(first, raw, reason=reason)


def _is_open(line: Line, grammar: _Grammar, *, is_open: bool) -> bool:
    """Return whether quotes are open behind a line; `is_open`: they were before it."""
    n_quotes = line.raw.count(b'"')
    if not n_quotes:
        return is_open
    if line.is_cut or line.is_rest:  # cells are not told by pieces; well-formed ones have pairs
        return is_open ^ bool(n_quotes % 2)
    return not grammar.closed.match(b'"' + line.raw if is_open else line.raw)


def _cells(raw: bytes, grammar: _Grammar) -> list[bytes] | None:
    """Return the cells of a record; None if something stands behind a closing quote."""
    record = raw.removesuffix(b"\n").removesuffix(b"\r")
    cells, at = [], 0
    while match := grammar.cell.match(record, at):
        quoted, bare, end = match.groups()
        cells.append(bare if quoted is None else quoted.replace(b'""', b'"'))
        if not end:
            return cells
        at = match.end()
    return None


def _header(file: File, record: Line, fields: Fields, grammar: _Grammar) -> list[str]:
    cells = _cells(record.raw, grammar)
    try:
        columns = [cell.decode() for cell in cells or ()]
    except UnicodeDecodeError as error:
        raise JobError(f"{file.name}: its header is not UTF-8 ({error}); convert it") from error
    if cells is None:
        raise JobError(f"{file.name}: text behind a closing quote of the header; double the quote")
    if any(LONE_RETURN.search(column) for column in columns):
        raise JobError(
            f"{file.name}: a carriage return without a line feed in its header: a line ends in LF "
            "or CR LF; convert it"
        )
    check_columns(file.name, columns, fields)
    return columns


def _document(
    file: File, record: Line, columns: list[str], fields: Fields, grammar: _Grammar
) -> Document:
    cells = _cells(record.raw, grammar)
    if cells is None:
        return _dead(file, record, "text behind a closing quote: double quotes within a cell")
    if len(cells) != len(columns):
        reason = f"{len(cells)} cells, but {len(columns)} in the header: quote what holds others"
        return _dead(file, record, reason)
    try:
        body: dict[str, object] = {
            column: cell.decode() for column, cell in zip(columns, cells, strict=True)
        }
    except UnicodeDecodeError as error:
        return _dead(file, record, f"not UTF-8: {error}")
    return to_document(file.name, record.number, orjson.dumps(body), body, fields)


def _dead(file: File, record: Line, reason: str) -> Document:
    return Document(file.name, record.number, record.raw[:1000].strip(b"\r\n"), reason=reason)
