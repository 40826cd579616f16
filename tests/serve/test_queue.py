import asyncio
from collections.abc import Iterator

import pytest

from splare_os.serve.queue import Batch, Entry, Kind, Queue, QueueFullError, estimated_tokens

WORD = "word" * 4
"""Six tokens, as they are estimated."""


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def entry(
    loop: asyncio.AbstractEventLoop, n_texts: int, kind: Kind = "document", at_s: float = 0.0
) -> Entry:
    return Entry(
        kind, [f"{WORD}{number % 10}" for number in range(n_texts)], loop.create_future(), at_s
    )


def shape(batch: Batch | None) -> list[tuple[int, int]]:
    assert batch is not None
    return [(each.start, each.end) for each in batch.slices]


def test_tokens_are_a_quarter_of_the_bytes_and_two() -> None:
    assert estimated_tokens(WORD) == 6
    assert estimated_tokens("中文") == 2 + 6 // 4
    assert estimated_tokens("\ud800") == 2


def test_entries_are_joined_until_the_budget_is_spent(loop: asyncio.AbstractEventLoop) -> None:
    queue = Queue(max_tokens=1000)
    for _ in range(4):
        queue.add(entry(loop, 2))  # 12 tokens
    assert (queue.texts, queue.tokens) == (8, 48)
    batch = queue.next_batch(30)
    assert shape(batch) == [(0, 2), (0, 2), (0, 1)]
    assert batch is not None
    assert (batch.tokens, len(batch.texts)) == (30, 5)
    assert (queue.texts, queue.tokens) == (3, 18)
    assert shape(queue.next_batch(30)) == [(0, 2), (1, 2)]
    assert (queue.texts, queue.tokens, queue.next_batch(30)) == (0, 0, None)


def test_a_batch_has_no_more_texts_than_it_may(loop: asyncio.AbstractEventLoop) -> None:
    queue = Queue(max_tokens=1000)
    for n_texts in (1, 1, 3):
        queue.add(entry(loop, n_texts))
    assert shape(queue.next_batch(100, most_texts=3)) == [(0, 1), (0, 1), (0, 1)]
    assert (queue.texts, queue.tokens) == (2, 12)
    assert shape(queue.next_batch(100, most_texts=1)) == [(1, 2)]
    assert shape(queue.next_batch(100, most_texts=9)) == [(2, 3)]
    assert (queue.texts, queue.tokens) == (0, 0)


def test_what_does_not_fit_is_the_next_to_be_taken(loop: asyncio.AbstractEventLoop) -> None:
    queue = Queue(max_tokens=1000)
    first, second = entry(loop, 1), entry(loop, 2)
    queue.add(first)
    queue.add(second)
    assert shape(queue.next_batch(11)) == [(0, 1)]
    batch = queue.next_batch(100)
    assert batch is not None
    assert [(one.entry, one.start, one.end) for one in batch.slices] == [(second, 0, 2)]


def test_a_large_request_does_not_hold_up_a_small_one(loop: asyncio.AbstractEventLoop) -> None:
    queue = Queue(max_tokens=10_000)
    large, small = entry(loop, 100), entry(loop, 1)
    queue.add(large)
    queue.add(small)
    assert shape(queue.next_batch(60)) == [(0, 10)]
    batch = queue.next_batch(60)
    assert batch is not None
    assert [one.entry for one in batch.slices] == [small, large]
    assert shape(batch) == [(0, 1), (10, 19)]


def test_a_text_larger_than_the_budget_goes_alone(loop: asyncio.AbstractEventLoop) -> None:
    queue = Queue(max_tokens=1000)
    queue.add(entry(loop, 2))
    assert shape(queue.next_batch(1)) == [(0, 1)]
    assert shape(queue.next_batch(1)) == [(1, 2)]


def test_kinds_take_turns(loop: asyncio.AbstractEventLoop) -> None:
    queue = Queue(max_tokens=10_000)
    queue.add(entry(loop, 100))
    queue.add(entry(loop, 100))
    queue.add(entry(loop, 1, "query"))
    taken = [queue.next_batch(60) for _ in range(3)]
    assert [batch.kind for batch in taken if batch].count("query") == 1
    assert {batch.kind for batch in taken[:2] if batch} == {"query", "document"}


def test_those_who_left_are_dropped(loop: asyncio.AbstractEventLoop) -> None:
    queue = Queue(max_tokens=1000)
    gone, here = entry(loop, 3), entry(loop, 1)
    queue.add(gone)
    queue.add(here)
    gone.answer.cancel()
    batch = queue.next_batch(100)
    assert batch is not None
    assert [one.entry for one in batch.slices] == [here]
    assert (queue.n_dropped, queue.texts, queue.tokens) == (3, 0, 0)


def test_what_is_too_much_is_refused_but_never_the_only_one(
    loop: asyncio.AbstractEventLoop,
) -> None:
    queue = Queue(max_tokens=20)
    queue.add(entry(loop, 100))
    with pytest.raises(QueueFullError):
        queue.add(entry(loop, 1))
    assert queue.texts == 100


def test_those_who_left_make_room(loop: asyncio.AbstractEventLoop) -> None:
    queue = Queue(max_tokens=20)
    gone = entry(loop, 3)
    queue.add(gone)
    gone.answer.cancel()
    queue.add(entry(loop, 2))
    assert (queue.texts, queue.tokens, queue.n_dropped) == (2, 12, 3)


def test_a_queue_full_of_documents_takes_queries(loop: asyncio.AbstractEventLoop) -> None:
    queue = Queue(max_tokens=20)
    queue.add(entry(loop, 100))
    queue.add(entry(loop, 3, "query"))
    with pytest.raises(QueueFullError):
        queue.add(entry(loop, 1, "query"))
    assert (queue.texts, queue.tokens) == (103, 618)


def test_the_oldest_of_all_kinds_is_told(loop: asyncio.AbstractEventLoop) -> None:
    queue = Queue(max_tokens=1000)
    assert queue.oldest_s() is None
    queue.add(entry(loop, 1, at_s=7.0))
    queue.add(entry(loop, 1, "query", at_s=5.0))
    assert queue.oldest_s() == 5.0


def test_parts_make_the_answer_whatever_their_order(loop: asyncio.AbstractEventLoop) -> None:
    made = entry(loop, 3)
    made.settle(2, 1, "last")
    assert not made.answer.done()
    made.settle(0, 2, "first")
    assert made.answer.result() == ["first", "last"]


def test_an_error_is_the_answer_once(loop: asyncio.AbstractEventLoop) -> None:
    made = entry(loop, 2)
    made.fail(ValueError("no"))
    made.settle(0, 2, "late")
    made.fail(ValueError("later"))
    with pytest.raises(ValueError, match="^no$"):
        made.answer.result()
