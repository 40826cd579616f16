"""A lock on a file: one process holds it, and it goes with the process, however that ends."""

import fcntl
from typing import IO

from .errors import SplareError


def lock(file: IO[bytes] | IO[str], otherwise: SplareError) -> None:
    """Lock `file` until it is closed, or raise `otherwise` if another process holds it.

    Where a file system has no locks, an error of its kind tells that.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise otherwise from error
    except OSError as error:
        raise type(otherwise)(
            f"{file.name} cannot be locked: {error}. Give a place on a file system that has locks"
        ) from error
