"""Compressed streams, told by their first bytes: gzip, bzip2 and Zstandard."""

import bz2
import io
import re
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ..extras import require

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SUFFIXES = (".gz", ".bz2", ".zst")
"""What a name may end in; no more is made of it."""

HEAD_BYTES = 10
"""So many tell a compression."""

CHUNK_BYTES = 2**14
"""Bytes decoded at once: few, as a thousandfold of them may come of it."""

TRAILER_BYTES = 11
"""What may hold a checksum is decoded byte by byte: where one fails, a decoder gives nothing of
all that it was handed."""


class BrokenStreamError(Exception):
    """A compressed stream cannot be decoded any further."""


class _Decoder(Protocol):
    """What decodes one member of a stream."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def decompressed(plain: io.BufferedReader) -> io.BufferedReader:
    """Return the stream that `plain` holds, or itself if it is not compressed."""
    head = plain.peek(HEAD_BYTES)
    if len(head) < HEAD_BYTES:  # of a pipe that has only begun
        head = plain.read(HEAD_BYTES)
        plain = io.BufferedReader(_Begun(head, plain))
    for magic, load in _KINDS:
        if magic.match(head):
            return io.BufferedReader(_Stream(plain, load()), 2**16)
    return plain


class _Kind(NamedTuple):
    """A compression: its name, what makes a decoder, and what that raises at bad bytes."""

    name: str
    decoder: Callable[[], _Decoder]
    error: type[Exception]


class _Begun(io.RawIOBase):
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, rest: io.BufferedReader) -> None:
        self.head, self.rest = head, rest

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Return how many bytes were put into `buffer`; none: the end."""
        room = memoryview(buffer).cast("B")
        data = self.head[: len(room)] or self.rest.read1(len(room))
        self.head = self.head[len(data) :]
        room[: len(data)] = data
        return len(data)


class _Stream(io.RawIOBase):
    """All members of a compressed stream, one after the other.

    The readers of the standard library differ in their errors, and Zstandard's takes a stream
    that breaks off for a whole one.
    """

    def __init__(self, plain: io.BufferedReader, kind: _Kind) -> None:
        self.plain, self.kind = plain, kind
        self.decoder: _Decoder | None = None
        self.unread, self.decoded = b"", memoryview(b"")

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Return how many bytes were put into `buffer`; none: the end."""
        while not self.decoded:
            data = self.unread or self.plain.read1(CHUNK_BYTES)
            self.unread = b""
            if not data:
                self._check_end()
                return 0
            self._decode(data)
        room = memoryview(buffer).cast("B")
        n = min(len(room), len(self.decoded))
        room[:n] = self.decoded[:n]
        self.decoded = self.decoded[n:]
        return n

    def _check_end(self) -> None:
        if self.decoder is not None:
            raise BrokenStreamError(f"{self.kind.name} stream broken off")

    def _decode(self, data: bytes) -> None:
        if self.decoder is None:
            data = data.lstrip(b"\0")  # blocks of a tape are filled up
            if not data:
                return
            self.decoder = self.kind.decoder()
        cut = max(1, len(data) - TRAILER_BYTES)
        try:
            self.decoded = memoryview(self.decoder.decompress(data[:cut]))
        except self.kind.error as error:
            raise BrokenStreamError(f"{self.kind.name} stream broken: {error}") from error
        self.unread = data[cut:]
        if self.decoder.eof:
            self.unread, self.decoder = self.decoder.unused_data + self.unread, None


def _gzip() -> _Kind:
    return _Kind("gzip", lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS), zlib.error)


def _bzip2() -> _Kind:
    return _Kind("bzip2", bz2.BZ2Decompressor, OSError)


def _zstandard() -> _Kind:
    require("sources", "a source compressed by Zstandard")
    from zstandard import ZstdDecompressor, ZstdError

    # `zstd --long=31` writes what its own command reads only when told to
    reader = ZstdDecompressor(max_window_size=2**31)
    return _Kind("Zstandard", reader.decompressobj, ZstdError)


_KINDS: tuple[tuple[re.Pattern[bytes], Callable[[], _Kind]], ...] = (
    (re.compile(rb"\x1f\x8b"), _gzip),
    (re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), _bzip2),
    (re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"), _zstandard),
)
"""First bytes to a compression."""
