"""What may hang, a question to a cluster or the loading of a model, in threads of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

AT_A_TIME = 8
"""Questions; who asks more waits."""


class Asking:
    """Asks, from one event loop; neither other work nor the end waits for a thread of it."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(AT_A_TIME)

    async def __call__(self, question: Callable[[], T]) -> T:
        """Return the answer to a question, or raise what it raises; the call may be cancelled."""
        await self._room.acquire()
        loop = asyncio.get_running_loop()

        def leave(_: Future[T]) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._room.release)

        answer: Future[T] = Future()
        answer.set_running_or_notify_cancel()  # a caller that leaves does not end the thread
        answer.add_done_callback(leave)
        Thread(target=_answer, args=(question, answer), daemon=True).start()
        return await asyncio.wrap_future(answer)


def _answer(question: Callable[[], T], answer: Future[T]) -> None:
    try:
        answer.set_result(question())
    except Exception as error:  # noqa: BLE001  # raised where the answer is waited for
        answer.set_exception(error)
