"""Processes that are asked over a pipe each: one that is killed in mid-word holds up nobody else.

They share no lock and no semaphore, so that none is left behind, or needed of the system.
"""

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from multiprocessing import forkserver, get_all_start_methods, get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any, TypeVar

from ..errors import EncoderLostError
from . import process

R = TypeVar("R")
T = TypeVar("T")

FORK_SERVER, SAFE_PATH = "forkserver", "PYTHONSAFEPATH"
END_S = 5.0
"""How long a process that was killed is waited for: one in a driver takes its time."""


class Pool:
    """Processes that run, one for each of `starts`, until `end`."""

    def __init__(self, starts: Sequence[process.Start | None], *, is_forked: bool) -> None:
        context = _context(is_forked=is_forked)
        self.is_ended, self.processes = False, list[BaseProcess]()
        self._lines: SimpleQueue[Connection] = SimpleQueue()
        self._threads = ThreadPoolExecutor(len(starts), thread_name_prefix="splare-ask")
        ended, self._alive = context.Pipe(duplex=False)
        try:
            for start in starts:
                self._start(context, ended, start)
        except BaseException:
            self.end()
            raise
        finally:
            ended.close()

    def _start(self, context: Any, ended: Connection, start: process.Start | None) -> None:  # noqa: ANN401  # has no common type
        ours, theirs = context.Pipe()
        one = context.Process(target=process.work, args=(theirs, ended, start), daemon=True)
        with _deaf() if context.get_start_method() == "spawn" else nullcontext():
            one.start()
        self.processes.append(one)
        theirs.close()  # so that our end ends with the process
        self._lines.put(ours)

    def is_whole(self) -> bool:
        """Return whether every process runs."""
        return not self.is_ended and all(one.is_alive() for one in self.processes)

    def run(self, task: Callable[[T], R], parts: Iterable[T]) -> Iterator[R]:
        """Yield what `task` makes of each part, in order; processes take turns."""
        try:
            asked = [self._threads.submit(self._ask, task, part) for part in parts]
        except RuntimeError as error:  # another thread has ended the pool
            raise _lost() from error
        for future in asked:
            try:
                yield future.result()
            except CancelledError as error:
                raise _lost() from error

    def _ask(self, task: Callable[[T], R], part: T) -> R:
        line = self._lines.get()  # there is one for each thread
        try:
            line.send((task, part))
            is_made, found = line.recv()
        except (EOFError, OSError) as error:
            raise _lost() from error
        finally:
            self._lines.put(line)
        if not is_made:
            raise found
        return found  # type: ignore[no-any-return]  # is what `task` returns

    def end(self) -> None:
        """End the processes, whatever they do."""
        self.is_ended = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._alive.close()
        for one in self.processes:
            one.kill()
        for one in self.processes:
            one.join(END_S)

    def leave(self) -> None:
        """Let go, in a forked process, what keeps the parent's processes alive."""
        self._alive.close()


def _lost() -> EncoderLostError:
    return EncoderLostError(
        "a process of the encoder has ended before its work: it was killed, for memory perhaps "
        "(use fewer devices), or the program that starts it lacks "
        '`if __name__ == "__main__":`'
    )


def _context(*, is_forked: bool) -> Any:  # noqa: ANN401  # has no common type
    """Return what starts processes: forked of one that has torch, if they may be, else anew."""
    if not is_forked or FORK_SERVER not in get_all_start_methods():
        return get_context("spawn")
    context = get_context(FORK_SERVER)
    context.set_forkserver_preload([f"{__package__}.folder", f"{__package__}.process"])
    resource_tracker.ensure_running()  # first: it unblocks signals
    with _deaf(), _safe_path():
        forkserver.ensure_running()
    return context


@contextmanager
def _deaf() -> Iterator[None]:
    """Have what is started meanwhile hear no Ctrl-C, and of no terminal that is closed."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _safe_path() -> Iterator[None]:
    """Have what is started meanwhile import nothing that happens to lie in the working folder."""
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before
