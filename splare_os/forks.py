"""What stays usable in a process that is forked: servers load their application, and then fork.

A child has the memory of its parent and one thread: nobody is left to release what another held.
"""

import os
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


def _in_child() -> None:
    for one in list(_known):
        one.in_child()


os.register_at_fork(after_in_child=_in_child)
