import asyncio
import threading

import pytest

from splare_os.serve.asking import AT_A_TIME, Asking


def test_an_answer_or_an_error_comes_back() -> None:
    asking = Asking()

    def fail() -> None:
        raise KeyError("gone")

    assert asyncio.run(asking(lambda: 7)) == 7
    with pytest.raises(KeyError, match="gone"):
        asyncio.run(asking(fail))


def test_questions_that_hang_hold_up_no_other_thread_nor_the_end() -> None:
    asking, end = Asking(), threading.Event()

    async def ask() -> list[bool]:
        hanging = [asyncio.ensure_future(asking(end.wait)) for _ in range(100)]
        await asyncio.sleep(0)
        await asyncio.wait_for(asyncio.to_thread(int), 10)
        hanging[0].cancel()  # its thread hangs on, and keeps its place
        await asyncio.sleep(0.05)
        assert threading.active_count() - before <= AT_A_TIME + 1
        end.set()
        return await asyncio.wait_for(asyncio.gather(*hanging[1:]), 10)

    before = threading.active_count()
    assert asyncio.run(ask()) == [True] * 99
    endless = threading.Event()

    async def leave() -> None:
        waiting = asyncio.ensure_future(asking(endless.wait))
        await asyncio.sleep(0.05)
        waiting.cancel()

    asyncio.run(leave())  # ends, though the thread does not
    endless.set()
