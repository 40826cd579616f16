"""One run of a job, as its file tells others: what it is for, and where it began."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Life:
    """Of the run that is going on, or was the last: `began` in seconds since the epoch.

    `documents` were done when it began, and `read` of the sources' `total` (bytes of files, writes
    of shards; 0: nobody knows).
    """

    index: str = ""
    model: str = ""
    began: float = 0.0
    documents: int = 0
    read: int = 0
    total: int = 0
