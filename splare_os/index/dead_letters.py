"""Dead letters: the documents of a run that could not be stored, each with its reason."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Self

import orjson

from ..documents.document import Document
from ..errors import JobError
from ..lock import lock
from .reason_kinds import count_kinds
from .replies import Verdict


def to_letter(document: Document, reason: str, refusal: Verdict = None) -> bytes:
    """Return the JSON line of a dead document; the status is the cluster's, if it refused.

    Bytes that are not UTF-8 stand as a backslash, `x` and two hex digits.
    """
    letter: dict[str, object] = {
        "_id": document.id,
        "source": document.source,
        "line": document.line,
    }
    if refusal is not None and refusal.status:
        letter["status"] = refusal.status
    letter["reason"] = reason
    letter["document"] = document.raw.decode(errors="backslashreplace")
    return orjson.dumps(letter) + b"\n"


class DeadLetters:
    """A file that grows by whole, durable appends, and is cut to what the ledger knows.

    `kinds` counts the letters by kind of reason; None: those on disk are not counted yet.
    """

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path, self.file = path, file
        self.kinds: Counter[str] | None = None

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """Yield the dead letters at `path`; an empty file is removed at the end."""
        with _errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("ab", buffering=0)  # or a close would write what has failed
        with file:
            busy = f"dead letters {path}: another job is writing there; name another file"
            lock(file, JobError(busy))
            letters = cls(path, file)
            yield letters
            if not letters.n_bytes and letters.is_there():
                with _errors(path):
                    path.unlink()

    @property
    def n_bytes(self) -> int:
        """Length of the file."""
        return self.file.tell()

    def is_there(self) -> bool:
        """Return whether the file is where it was opened: nobody has deleted or moved it."""
        try:
            return os.path.samestat(os.fstat(self.file.fileno()), self.path.stat())
        except OSError:
            return False

    def check(self) -> None:
        """Raise `JobError` if letters are in a file that nobody finds any more."""
        if self.n_bytes and not self.is_there():
            raise JobError(
                f"dead letters {self.path}: deleted or moved while the job writes there. Run the "
                "same command again: it starts over, and skips what is unchanged"
            )

    def cut(self, n_bytes: int) -> None:
        """Forget what was appended after the ledger's last advance."""
        if n_bytes != self.file.tell():
            with _errors(self.path):
                self.file.truncate(n_bytes)
                self.file.seek(n_bytes)
            self.kinds = None
        if self.kinds is None:
            self.kinds = self._counted()

    def _counted(self) -> Counter[str]:
        kinds = Counter[str]()
        if self.n_bytes:
            with _errors(self.path), self.path.open("rb") as letters:
                count_kinds(kinds, letters)
        return kinds

    def append(self, letters: Sequence[bytes]) -> int:
        """Return the length of the file after `letters` are on disk."""
        self.check()
        if letters:
            with _errors(self.path):
                left = b"".join(letters)
                while left:
                    left = left[self.file.write(left) :]
                os.fsync(self.file.fileno())
            if self.kinds is not None:
                count_kinds(self.kinds, letters)
        return self.file.tell()


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise JobError(
            f"dead letters {path}: {error}. Make room or give another place, then run again"
        ) from error
