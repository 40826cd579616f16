"""How long a request may take, and whether anybody waits for it: its task ends by either."""

import asyncio
from collections.abc import Callable
from math import inf
from types import TracebackType
from typing import Self

from starlette.types import Scope

CALLER = "splare.caller"
"""Where the state of a request has the `Caller`."""


class ClientLeftError(Exception):
    """Nobody waits for the answer any more."""


class Caller:
    """Who sends requests over one connection; its protocol says when that has ended."""

    def __init__(self) -> None:
        self.on_left: Callable[[], None] | None = None

    def leave(self) -> None:
        """Tell the request that is being answered, if there is one."""
        if self.on_left is not None:
            self.on_left()


class Watch:
    """Raises, where the task of a request waits, that its time is over or its caller left.

    As `asyncio.timeout` does for one reason, at several times the cost.
    """

    def __init__(self, scope: Scope) -> None:
        self._caller: Caller = scope.get("state", {}).get(CALLER) or Caller()
        self._cause: Exception | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rings_s = inf

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request is watched from within its task")
        self._task, self._loop, self._asked = task, task.get_loop(), task.cancelling()
        self._caller.on_left = self._left
        return self

    def within(self, seconds: float, late: Callable[[], Exception]) -> None:
        """Give the task so much time from now on; then it ends with what `late` returns."""
        self._until_s, self._late = self._loop.time() + seconds, late
        if self._until_s < self._rings_s:
            self._ring_in(seconds)

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        self._stop()
        self._caller.on_left = None
        if self._cause is None:
            return
        is_ours = self._task.uncancel() <= self._asked  # else the server ends too
        if is_ours and isinstance(error, asyncio.CancelledError):
            raise self._cause from None

    def _ring_in(self, seconds: float) -> None:
        self._stop()
        self._rings_s = self._loop.time() + seconds
        self._timer = self._loop.call_later(seconds, self._ring)

    def _ring(self) -> None:
        """End the task, unless it was given more time since the timer was set."""
        if (left := self._until_s - self._loop.time()) > 0:
            self._ring_in(left)
        else:
            self._end(self._late())

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _left(self) -> None:
        self._end(ClientLeftError())

    def _end(self, cause: Exception) -> None:
        if self._cause is None:
            self._cause = cause
            self._task.cancel()
