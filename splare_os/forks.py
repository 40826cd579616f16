"""What stays usable in a process that is forked: servers load their application, and then fork.

A child has the memory of its parent and one thread: nobody is left to release what another held.
"""

import os
from threading import Lock
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """What threads share."""

    def in_child(self) -> None:
        """Make anew what a thread may have held when the process was forked."""


_known: WeakSet[Forkable] = WeakSet()


def remake_in_children(one: Forkable) -> None:
    """Have an object made usable in every child that is forked while it is there."""
    _known.add(one)


class SafeLock:
    """A lock that is free in a child, whoever held it when the process was forked."""

    def __init__(self) -> None:
        self.in_child()
        remake_in_children(self)

    def in_child(self) -> None:
        """Let go what the parent's threads hold."""
        self._lock = Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _in_child() -> None:
    for one in list(_known):
        one.in_child()


os.register_at_fork(after_in_child=_in_child)
