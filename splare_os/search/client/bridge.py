"""From an event loop to threads and back: synchronous work of a client whose requests are not."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from threading import Lock
from typing import Any, TypeAlias, TypeVar

from opensearchpy import Transport

from ...forks import remake_in_children

Found = TypeVar("Found")

Send: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]
"""What sends a request on the event loop; its arguments are those of `perform_request`."""

MOST_THREADS = 32
"""How many requests of one client are worked on at a time."""


class Work:
    """One piece of work in a thread: the request that it waits for, until it is cancelled."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._lock = loop, Lock()
        self._request: Future[Any] | None = None
        self._is_cancelled = False

    def ask(self, request: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401  # a server's reply
        """Return what the event loop makes of a request, which the calling thread waits for.

        asyncio's `CancelledError`, which no handler of errors takes for one, if it is cancelled.
        """
        with self._lock:
            if self._is_cancelled:
                request.close()
                raise asyncio.CancelledError
            try:
                self._request = asyncio.run_coroutine_threadsafe(request, self._loop)
            except RuntimeError:  # the loop is closed
                request.close()
                raise
        try:
            return self._request.result()
        except CancelledError:
            raise asyncio.CancelledError from None

    def cancel(self) -> None:
        """Ask for nothing more."""
        with self._lock:
            self._is_cancelled = True
            if self._request is not None:
                self._request.cancel()


WORK: ContextVar[Work] = ContextVar("work")
"""What the thread at hand works on."""


class Bridge:
    """The threads of one asynchronous client, and the way of their requests back to its loop."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.in_child()
        remake_in_children(self)

    def in_child(self) -> None:
        """Forget the threads of the process that was forked."""
        self._threads: ThreadPoolExecutor | None = None
        self._running: dict[Future[Any], Work] = {}

    async def run(self, function: Callable[..., Found], *args: object) -> Found:
        """Return what `function` returns, in a thread; the event loop goes on meanwhile.

        If the caller is cancelled, it is so at once, and so is the request that the thread waits
        for.
        """
        work, context = Work(asyncio.get_running_loop()), copy_context()
        context.run(WORK.set, work)
        if self._threads is None:
            self._threads = ThreadPoolExecutor(MOST_THREADS, "splare")
        future: Future[Found] = self._threads.submit(context.run, function, *args)
        self._running[future] = work
        future.add_done_callback(lambda done: self._running.pop(done, None))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            work.cancel()
            raise

    def call(self, function: Callable[..., Found], *args: object) -> Found:
        """Return what `function` returns, here on the loop: a thread that it starts may ask it."""
        context = copy_context()
        context.run(WORK.set, Work(asyncio.get_running_loop()))
        return context.run(function, *args)

    async def close(self) -> None:
        """Cancel what is running, and return once no thread is left.

        If the caller is cancelled, nothing is closed yet.
        """
        threads, self._threads = self._threads, None
        if threads is None:
            return
        running = dict(self._running)
        for future, work in running.items():
            future.cancel()
            work.cancel()
        try:
            await asyncio.gather(*map(asyncio.wrap_future, running), return_exceptions=True)
        except asyncio.CancelledError:
            if self._threads is None:
                self._threads = threads
            else:  # there are others by now
                threads.shutdown(wait=False)
            raise
        threads.shutdown()


class BridgedTransport(Transport):
    """A synchronous transport without connections, whose requests an event loop sends."""

    def __init__(self, hosts: Any, *, bridge: Bridge, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(hosts, **kwargs)
        self._bridge = bridge

    def perform_request(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Send a request from a thread of the bridge, and return the server's reply."""
        return WORK.get().ask(self._bridge.send(*args, **kwargs))
