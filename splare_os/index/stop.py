"""What a run is stopped by, and each part of it that may end alone."""

from threading import Event


class Stop(Event):
    """An event whose `part` is set with it, but may be set without it.

    >>> run = Stop()
    >>> one, other = run.part(), run.part()
    >>> one.set()
    >>> run.is_set(), other.is_set()
    (False, False)
    >>> run.set()
    >>> other.is_set()
    True
    """

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[Event] = []

    def part(self) -> Event:
        """Return the event of a part of what this one stops."""
        part = Event()
        self._parts.append(part)
        if self.is_set():  # after it was appended: a `set` of another thread misses none
            part.set()
        return part

    def set(self) -> None:
        """Stop all of it."""
        super().set()
        for part in self._parts:
            part.set()
