"""The lines of a source, decompressed; none is held that is longer than a server would take."""

from collections.abc import Iterator
from io import BufferedReader
from typing import NamedTuple

from .compression import BrokenStreamError, decompressed
from .document import MAX_LINE_BYTES
from .files import File

BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """A line with its end; a long one comes in pieces, all but the first of which are `is_rest`.

    `reason`, not empty: the stream cannot be read on from here.
    """

    number: int
    raw: bytes
    is_rest: bool = False
    reason: str = ""

    @property
    def is_cut(self) -> bool:
        """Whether another piece of the line follows."""
        return len(self.raw) > MAX_LINE_BYTES and not self.raw.endswith(b"\n")


def read_lines(file: File) -> Iterator[Line]:
    """Yield the lines of a file, without a byte order mark before the first.

    A compressed stream that breaks ends in a line with the reason.
    """
    number, is_rest = 0, False
    try:
        handle = decompressed(file.handle)
        while raw := handle.readline(MAX_LINE_BYTES + 1):
            number += not is_rest
            is_first = number == 1 and not is_rest
            line = Line(number, _after_mark(raw, handle) if is_first else raw, is_rest)
            yield line
            is_rest = line.is_cut
    except BrokenStreamError as error:
        file.check()  # it may be broken for being written to
        reason = (
            f"{error}, after line {number}: what follows is lost, and the lines before it are "
            "taken unverified, as a stream's checksum stands behind them; get a whole file"
        )
        yield Line(number + 1, b"", reason=reason)


def _after_mark(raw: bytes, handle: BufferedReader) -> bytes:
    """Return a first line without a byte order mark, as long a piece of it as any."""
    line = raw.removeprefix(BOM)
    return line if line == raw or line.endswith(b"\n") else line + handle.readline(len(BOM))
