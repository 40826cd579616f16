import asyncio
from collections.abc import Sequence
from threading import Barrier

import pytest

from splare_os.errors import EncoderLostError
from splare_os.impacts import Impacts
from splare_os.serve.limits import Limits
from splare_os.serve.refusal import Refusal
from splare_os.serve.service import Service
from tests.hashing import HashEncoder


class Paired(HashEncoder):
    """Encodes what is asked by two calls at a time, and by one alone never."""

    def __init__(self) -> None:
        super().__init__()
        self.barrier = Barrier(2, timeout=20)

    def side_by_side(self) -> int:
        return 2

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        if texts[0].startswith("asked"):
            self.barrier.wait()
        return super().encode_documents(texts)


async def served(encoder: Paired, texts: Sequence[str]) -> int:
    """Return how many of `texts`, a batch each, are answered."""
    service = Service(lambda: encoder, Limits(max_batch_tokens=1))
    running = asyncio.ensure_future(service.run())
    while not service.is_ready:  # noqa: ASYNC110  # nothing tells
        await asyncio.sleep(0.01)
    found = await asyncio.gather(*(service.encode("document", [text]) for text in texts))
    running.cancel()
    return len(found)


def test_an_encoder_works_on_as_many_batches_at_a_time_as_it_says() -> None:
    assert asyncio.run(served(Paired(), ["asked one", "asked two"])) == 2


class Lost(HashEncoder):
    """Has no process to encode with, once it is warm; it is closed at the end."""

    is_open = True

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        if texts[0].startswith("asked"):
            raise EncoderLostError("a process of the encoder has ended")
        return super().encode_documents(texts)

    def close(self) -> None:
        self.is_open = False


async def refused(encoder: Lost) -> Refusal:
    """Return why a text is not encoded."""
    service = Service(lambda: encoder, Limits())
    running = asyncio.ensure_future(service.run())
    while not service.is_ready:  # noqa: ASYNC110  # nothing tells
        await asyncio.sleep(0.01)
    with pytest.raises(Refusal) as told:
        await service.encode("document", ["asked"])
    assert encoder.is_open
    running.cancel()
    await asyncio.wait({running})
    return told.value


def test_a_process_that_was_lost_is_worth_another_try_and_the_end_closes_an_encoder() -> None:
    encoder = Lost()
    told = asyncio.run(refused(encoder))
    assert (told.status, told.headers["retry-after"]) == (503, "1")
    assert not encoder.is_open
