"""How far a training is: handed to whoever wants to draw it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` of what `unit` names are through the stage; `note` tells how it goes."""

    stage: str
    done: int
    total: int
    unit: str
    note: str = ""


Watch = Callable[[Progress], None]


def unwatched(_: Progress) -> None:
    """Draw nothing."""
