"""A lock on a file: one process holds it, and it goes with the process, however that ends."""

import fcntl
from typing import IO

from .errors import SplareError


def lock(file: IO[bytes] | IO[str], otherwise: SplareError) -> None:
    """Lock `file` until it is closed, or raise `otherwise` if another process holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise otherwise from error
