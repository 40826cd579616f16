import asyncio
import time

import pytest

from splare_os.serve.watch import CALLER, Caller, ClientLeftError, Watch


async def slept(watch: Watch, *spans_s: float, task_s: float) -> None:
    """Sleep while each span is given in turn."""
    with watch:
        for span_s in spans_s:
            watch.within(span_s, lambda: ConnectionError("too late"))
        await asyncio.sleep(task_s)


def test_a_task_ends_when_its_time_is_over() -> None:
    start = time.monotonic()
    with pytest.raises(ConnectionError, match="too late"):
        asyncio.run(slept(Watch({}), 0.05, task_s=20))
    assert 0.04 < time.monotonic() - start < 10


@pytest.mark.parametrize("spans_s", [(0.02, 20.0), (20.0, 0.02, 20.0)])
def test_time_that_is_given_anew_counts(spans_s: tuple[float, ...]) -> None:
    asyncio.run(slept(Watch({}), *spans_s, task_s=0.1))


@pytest.mark.parametrize("spans_s", [(20.0, 0.05), (0.02, 0.05)])
def test_the_last_time_that_is_given_ends_the_task(spans_s: tuple[float, ...]) -> None:
    with pytest.raises(ConnectionError):
        asyncio.run(slept(Watch({}), *spans_s, task_s=20))


def test_a_task_ends_when_its_caller_leaves() -> None:
    caller = Caller()

    async def run() -> None:
        asyncio.get_running_loop().call_later(0.02, caller.leave)
        await slept(Watch({"state": {CALLER: caller}}), 20.0, task_s=20)

    with pytest.raises(ClientLeftError):
        asyncio.run(run())
    caller.leave()  # nothing listens any more


def test_who_cancels_the_task_is_not_taken_for_the_watch() -> None:
    async def run() -> bool:
        task = asyncio.ensure_future(slept(Watch({}), 20.0, task_s=20))
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.wait({task})
        return task.cancelled()

    assert asyncio.run(run())


def test_a_task_that_was_ended_goes_on_afterwards() -> None:
    async def run() -> int:
        with pytest.raises(ConnectionError):
            await slept(Watch({}), 0.02, task_s=20)
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert asyncio.run(run()) == 0
