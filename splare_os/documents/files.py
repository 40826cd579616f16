"""A source while it is open: local, remote or stdin, and whether it stays as it was."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from io import BufferedReader
from pathlib import Path

from ..errors import JobError
from . import opensearch, remote

STDIN = "-"


@dataclass(frozen=True)
class FileState:
    """What changes when a file does: its bytes, and its mtime in ns or what a server tells.

    `name` is an absolute path or a URL; `sha256` is of the content, if that was asked for.
    """

    name: str
    n_bytes: int
    stamp: str
    sha256: str = ""


@dataclass
class Meter:
    """How many bytes of a file have been read: of what lies on the disk, compressed or not."""

    n_bytes: int = 0

    def note(self, file: "File") -> None:
        """Look how far a file is read; what no one knows the size of is not measured."""
        if file.state is not None:
            self.n_bytes = max(self.n_bytes, file.handle.tell())


@dataclass(frozen=True)
class File:
    """A source that is being read; `inode` 0: there is none."""

    name: str
    handle: BufferedReader
    state: FileState | None
    inode: int = 0

    def check(self) -> None:
        """Raise `JobError` if the file is not what it was when it was opened."""
        if self.state is None:
            return
        now = file_state(self.name)
        is_other = self.inode and now is not None and _inode(self.name) != self.inode
        if now != self.state or is_other:
            raise JobError(
                f"{self.name} changed while it was read ({_told(self.state)} then, "
                f"{_told(now)} now): run the same command again when nobody writes to it"
            )


def absolute(source: str) -> str:
    """Return the name that a source has from anywhere."""
    as_it_is = source == STDIN or remote.is_remote(source)
    return source if as_it_is else str(Path(source).resolve())


def file_state(source: str) -> FileState | None:
    """Return the state of a source; None if it cannot be told, or is gone.

    `JobError` if it cannot be asked for.
    """
    if source == STDIN:
        return None
    try:
        if opensearch.is_index(source):
            history = opensearch.history(source)
            return FileState(source, 0, history) if history else None  # changes have positions
        if remote.is_remote(source):
            told = remote.size_and_stamp(source)
            return FileState(source, *told) if told else None
        return _state(source, Path(source).stat())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JobError(f"{source}: cannot be read: {error}") from error


def hashed(state: FileState) -> FileState:
    """Return `state` with a hash over the content, all of which is read for it.

    An index needs none: its writes are numbered.
    """
    if opensearch.is_index(state.name):
        return state
    content = sha256()
    try:
        with opened(state.name) as file:
            while data := file.handle.read(2**20):
                content.update(data)
    except OSError as error:
        raise JobError(f"{state.name}: cannot be read: {error}") from error
    return replace(state, sha256=content.hexdigest())


@contextmanager
def opened(source: str) -> Iterator[File]:
    """Yield a source, open; `OSError` if that cannot be."""
    if source == STDIN:
        if sys.stdin is None:
            raise OSError(errno.EBADF, "stdin is closed")
        yield File(source, sys.stdin.buffer, None)  # type: ignore[arg-type]
    elif remote.is_remote(source):
        state = file_state(source)
        with remote.open_buffered(source) as handle:
            yield File(source, handle, state)
    else:
        with Path(source).open("rb") as handle:
            found = os.fstat(handle.fileno())
            yield File(source, handle, _state(source, found), found.st_ino)


def _state(source: str, found: os.stat_result) -> FileState | None:
    if not stat.S_ISREG(found.st_mode):
        return None
    return FileState(absolute(source), found.st_size, str(found.st_mtime_ns))


def _inode(source: str) -> int:
    return Path(source).stat().st_ino


def _told(state: FileState | None) -> str:
    return f"{state.n_bytes} bytes, {state.stamp}" if state else "gone"
