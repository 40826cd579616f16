import asyncio
import time
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import numpy as np
import pytest

from splare_os.impacts import Impacts
from splare_os.serve.batcher import Batcher
from splare_os.serve.limits import Limits
from splare_os.serve.metrics import Registry
from splare_os.serve.queue import QueueFullError
from splare_os.serve.work import Explanations, Part
from tests.hashing import HashEncoder, WordEncoder

R = TypeVar("R")


class Slow(WordEncoder):
    """Takes some seconds for each batch."""

    def __init__(self, seconds: float = 0.05) -> None:
        super().__init__()
        self.seconds = seconds

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        time.sleep(self.seconds)
        return super().encode_documents(texts)


def ran(batcher_of: Sequence[HashEncoder], limits: Limits, work: Any) -> Any:  # noqa: ANN401
    """Return what `work(batcher, registry)` returns while the batcher runs."""

    async def run() -> object:
        registry = Registry()
        batcher = Batcher(batcher_of, limits, registry)
        serving = asyncio.ensure_future(batcher.run())
        try:
            return await work(batcher, registry)
        finally:
            serving.cancel()
            await asyncio.wait({serving})

    return asyncio.run(run())


def gathered(*calls: Coroutine[Any, Any, R]) -> "asyncio.Future[list[R]]":
    return asyncio.gather(*calls)


def test_each_caller_gets_its_own_impacts_from_common_batches() -> None:
    encoder = Slow()
    asked = [[f"word{number}", f"other{number} twice twice"] for number in range(20)]

    async def work(batcher: Batcher, _: Registry) -> list[Part]:
        return await gathered(*(batcher.encode("document", texts) for texts in asked))

    found = ran([encoder], Limits(), work)
    assert len(encoder.batches) <= 3
    assert sum(encoder.batches) == 40
    for texts, part in zip(asked, found, strict=True):
        plain = HashEncoder().encode_documents(texts)
        np.testing.assert_array_equal(part.impacts.toarray(), plain.toarray())


def test_a_request_over_several_batches_is_put_together_in_order() -> None:
    encoder = WordEncoder()
    texts = [f"word{number}" for number in range(50)]

    async def work(batcher: Batcher, _: Registry) -> Part:
        return await batcher.encode("document_explanation", texts)

    made = ran([encoder], Limits(max_batch_tokens=20), work)
    assert encoder.batches == [6] * 8 + [2]
    assert isinstance(made, Explanations)
    np.testing.assert_array_equal(
        made.impacts.toarray(), WordEncoder().encode_documents(texts).toarray()
    )
    assert made.spans == encoder.spans(texts)


def test_no_texts_need_no_encoder() -> None:
    encoder = HashEncoder()

    async def work(batcher: Batcher, _: Registry) -> tuple[Part, Part]:
        none = await batcher.encode("document", [])
        return none, await batcher.encode("query_explanation", [])

    impacts, explanations = ran([encoder], Limits(), work)
    assert impacts.impacts.shape == explanations.impacts.shape == (0, 512)
    assert encoder.batches == []


def test_several_encoders_work_side_by_side() -> None:
    encoders = [Slow(), Slow()]

    async def work(batcher: Batcher, _: Registry) -> None:
        await gathered(*(batcher.encode("document", [f"w{number}"]) for number in range(8)))

    ran(encoders, Limits(max_batch_tokens=1), work)
    assert all(2 <= len(encoder.batches) <= 6 for encoder in encoders)


def test_encoders_side_by_side_share_what_waits() -> None:
    encoders = [Slow(0.2), Slow(0.2)]

    async def work(batcher: Batcher, _: Registry) -> None:
        await gathered(*(batcher.encode("document", [f"w{number}"]) for number in range(64)))

    ran(encoders, Limits(), work)
    assert [encoder.batches for encoder in encoders] == [[32], [32]]


def test_small_batches_do_not_stay_small() -> None:
    encoders = [Slow(0.2), Slow(0.2)]

    async def caller(batcher: Batcher, number: int) -> None:
        for _ in range(3):
            await batcher.encode("document", [f"w{number}"])

    async def work(batcher: Batcher, _: Registry) -> None:
        few = [asyncio.ensure_future(caller(batcher, number)) for number in range(4)]
        await asyncio.sleep(0.1)  # a worker has these, or two have two each
        await gathered(*few, *(caller(batcher, number) for number in range(4, 24)))

    ran(encoders, Limits(), work)
    late = [n_texts for encoder in encoders for n_texts in encoder.batches[1:]]
    assert min(late) >= 6


def test_a_batch_waits_for_more_as_long_as_it_may() -> None:
    encoder = HashEncoder()

    async def work(batcher: Batcher, _: Registry) -> float:
        start = time.monotonic()
        first = asyncio.ensure_future(batcher.encode("document", ["a"]))
        await asyncio.sleep(0.05)
        await gathered(first, batcher.encode("document", ["b"]))
        return time.monotonic() - start

    seconds = ran([encoder], Limits(max_wait_s=0.3), work)
    assert encoder.batches == [2]
    assert 0.29 < seconds < 2


def test_those_who_were_answered_are_waited_for_and_make_one_batch_again() -> None:
    encoder = Slow(0.4)

    async def work(batcher: Batcher, _: Registry) -> None:
        async def caller(number: int) -> None:
            for turn in range(3):
                await batcher.encode("document", [f"w{number} t{turn}"])
                await asyncio.sleep(0.0002 * number)  # they come one after another

        await gathered(*(caller(number) for number in range(8)))

    ran([encoder], Limits(), work)
    assert encoder.batches == [8, 8, 8]


def test_nobody_waits_long_for_those_who_do_not_come_again() -> None:
    encoder = Slow()

    async def work(batcher: Batcher, _: Registry) -> float:
        await gathered(*(batcher.encode("document", [f"w{number}"]) for number in range(8)))
        start = time.monotonic()
        await batcher.encode("document", ["one"])
        await batcher.encode("document", ["two"])
        return time.monotonic() - start

    seconds = ran([encoder], Limits(), work)
    assert encoder.batches == [8, 1, 1]
    assert seconds < 1  # 0.1 to encode, and some 0.01 once


def test_a_full_batch_does_not_wait() -> None:
    async def work(batcher: Batcher, _: Registry) -> float:
        start = time.monotonic()
        await batcher.encode("document", ["word " * 100])
        return time.monotonic() - start

    assert ran([HashEncoder()], Limits(max_wait_s=30, max_batch_tokens=50), work) < 10


def test_callers_who_leave_are_not_encoded_and_counted() -> None:
    encoder = Slow()

    async def work(batcher: Batcher, registry: Registry) -> str:
        stays = asyncio.ensure_future(batcher.encode("document", ["stays"]))
        await asyncio.sleep(0.01)  # it is encoded meanwhile
        leaves = asyncio.ensure_future(batcher.encode("document", ["leaves"] * 7))
        await asyncio.sleep(0.01)
        leaves.cancel()
        await stays
        await batcher.encode("document", ["last"])
        return registry.text()

    text = ran([encoder], Limits(), work)
    assert encoder.batches == [1, 1]
    assert "splare_queue_dropped_texts_total 7" in text
    assert 'splare_texts_total{kind="document"} 2.0' in text
    assert "splare_queue_texts 0" in text
    assert "splare_batch_texts_count 2" in text


def test_more_than_may_wait_is_refused_with_how_long_that_takes() -> None:
    async def work(batcher: Batcher, _: Registry) -> int:
        calls = [
            asyncio.ensure_future(batcher.encode("document", ["word " * 40])) for _ in range(3)
        ]
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError):
            await batcher.encode("document", ["word"])
        asked = batcher.retry_after_s()
        await gathered(*calls)  # type: ignore[arg-type]
        await batcher.encode("document", ["word"])
        return asked

    limits = Limits(max_batch_tokens=60, max_waiting_tokens=157)
    assert ran([Slow()], limits, work) == 1


def test_what_would_not_be_answered_in_time_does_not_wait() -> None:
    async def work(batcher: Batcher, _: Registry) -> None:
        texts = ["word " * 50] * 4  # 256 tokens
        await batcher.encode("document", texts)  # 2,000 a second are assumed, and it is no quicker
        calls = [asyncio.ensure_future(batcher.encode("document", texts)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError):  # some 600 are what half the time is enough for
            await batcher.encode("document", texts)
        await gathered(*calls)  # type: ignore[arg-type]

    ran([Slow()], Limits(timeout_s=0.6), work)
