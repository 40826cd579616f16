"""A lock on a file: one process holds it, and it goes with the process, however that ends."""

import fcntl
import time
from pathlib import Path
from typing import IO

from .errors import SplareError

ASKING_S = 0.2
"""For so long somebody may hold a lock only to ask whether another does."""


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock on a file; of one that is not there, none does."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def lock(file: IO[bytes] | IO[str], otherwise: SplareError) -> None:
    """Lock `file` until it is closed, or raise `otherwise` if another process holds it.

    Where a file system has no locks, an error of its kind tells that.
    """
    end = time.monotonic() + ASKING_S
    try:
        while not _is_taken(file):
            if time.monotonic() > end:
                raise otherwise
            time.sleep(ASKING_S / 20)
    except OSError as error:
        raise type(otherwise)(
            f"{file.name} cannot be locked: {error}. Give a place on a file system that has locks"
        ) from error


def _is_taken(file: IO[bytes] | IO[str]) -> bool:
    """Return whether the lock is ours now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
