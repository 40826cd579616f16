"""Ctrl-C, a supervisor, a closed terminal: the first signal ends a run in order, the next now."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal came; `code` is the exit status that shells give to it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


@contextmanager
def interruptible(*, is_end: bool = False) -> Iterator[None]:
    """Let a run be stopped: what is in the air is waited for, a few seconds, and recorded.

    Then the command ends with the status of the signal; where `is_end`, with what follows. A second
    signal kills the process as it is: the job goes on from what is on disk. What the process was
    started to ignore, as by nohup, stays ignored.
    """
    before = {number: signal.signal(number, _first) for number in _heard()}
    try:
        yield
    except Interrupted as interrupt:
        if not is_end:
            click.echo("stopped; the same command goes on from here", err=True)
            sys.exit(interrupt.code)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _heard() -> list[signal.Signals]:
    return [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]


def _first(number: int, _: FrameType | None) -> None:
    for each in _heard():
        signal.signal(each, signal.SIG_DFL)
    raise Interrupted(number)
