import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from splare_os.impacts import Impacts
from splare_os.search.weigh.queries import Queries, QueryEncoder, encoded, n_bytes
from tests.hashing import UNREADABLE, HashEncoder


class HeldEncoder(HashEncoder):
    """Encodes once it is let go; `is_in` is set while it waits for that."""

    def __init__(self) -> None:
        super().__init__()
        self.is_in, self.may_go = threading.Event(), threading.Event()
        self.asked: list[list[str]] = []
        self.n_inside = self.most_inside = 0

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        self.n_inside += 1
        self.most_inside = max(self.most_inside, self.n_inside)
        self.asked.append(list(texts))
        self.is_in.set()
        assert self.may_go.wait(20)
        try:
            return super().encode_queries(texts)
        finally:
            self.n_inside -= 1


class Waiting:
    """Threads that ask while the encoder is held with the text `first`."""

    def __init__(self) -> None:
        self.encoder = HeldEncoder()
        self.queries = QueryEncoder(lambda: self.encoder)
        self.pool = ThreadPoolExecutor(8)
        self.first = self.pool.submit(self.queries, ["first"])
        assert self.encoder.is_in.wait(20)

    def ask(self, *texts: str) -> object:
        """Return the future of one more request, which waits by now."""
        future = self.pool.submit(self.queries, list(texts))
        while not set(texts) <= set(self.queries._waiting) | set(self.queries._batch or ()):
            assert not future.done()
        return future


@pytest.fixture
def waiting():
    found = Waiting()
    yield found
    found.encoder.may_go.set()
    found.pool.shutdown()


def is_query(found: Queries, text: str) -> bool:
    return (found.impacts != HashEncoder().encode_queries([text])).nnz == 0


def test_an_encoder_that_gives_no_whole_queries_is_cut_by_itself() -> None:
    encoder = HashEncoder()
    queries = encoded(encoder, ["ants bees ants"])
    assert queries.top_k is None
    assert (queries.impacts != encoder.encode_queries(["ants bees ants"])).nnz == 0


def test_texts_that_wait_together_are_encoded_in_one_batch(waiting: Waiting) -> None:
    futures = {text: waiting.ask(text) for text in ("ants", "bees", "cats")}
    same = waiting.ask("ants", "first")  # one waits already, one is being encoded
    waiting.encoder.may_go.set()
    assert all(is_query(future.result(20)[text], text) for text, future in futures.items())
    assert all(is_query(found, text) for text, found in same.result(20).items())
    assert waiting.encoder.asked == [["first"], ["ants", "bees", "cats"]]
    assert waiting.encoder.most_inside == 1


def test_of_a_batch_that_fails_only_the_text_at_fault_fails(waiting: Waiting) -> None:
    good, bad, other = waiting.ask("ants"), waiting.ask("bees", UNREADABLE), waiting.ask("cats")
    waiting.encoder.may_go.set()
    assert is_query(good.result(20)["ants"], "ants")
    assert is_query(other.result(20)["cats"], "cats")
    with pytest.raises(ValueError, match="nobody can read"):
        bad.result(20)
    with pytest.raises(ValueError, match="nobody can read"):  # a failure is not remembered
        waiting.queries([UNREADABLE])
    assert waiting.encoder.asked[-1] == [UNREADABLE]


def test_what_an_interrupt_leaves_is_encoded_by_the_next() -> None:
    class Interrupted(HashEncoder):
        n = 0

        def encode_queries(self, texts: Sequence[str]) -> Impacts:
            self.n += 1
            if self.n == 1:
                raise KeyboardInterrupt
            return super().encode_queries(texts)

    encoder = Interrupted()
    queries = QueryEncoder(lambda: encoder)
    with pytest.raises(KeyboardInterrupt):
        queries(["ants"])
    assert is_query(queries(["bees"])["bees"], "bees")
    assert encoder.batches == [2]  # both
    assert is_query(queries(["ants"])["ants"], "ants")
    assert encoder.n == 2


def test_many_threads_get_what_each_alone_would_get() -> None:
    encoder = HashEncoder()
    queries = QueryEncoder(lambda: encoder, cache_bytes=20_000)
    texts = [f"word{n % 40} and word{n % 7}" for n in range(400)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda text: queries([text])[text], texts))
    assert all(is_query(one, text) for text, one in zip(texts, found, strict=True))


def test_a_known_query_is_not_encoded_again_until_others_push_it_out() -> None:
    encoder = HashEncoder()
    size = n_bytes("ants", encoded(encoder, ["ants"]))
    queries, encoder.batches = QueryEncoder(lambda: encoder, cache_bytes=2 * size), []
    for text in ("ants", "bees", "ants", "ants"):
        queries([text])
    assert encoder.batches == [1, 1]
    queries(["cats"])  # bees, used longest ago, go
    assert queries(["ants"]).keys() == {"ants"}
    assert encoder.batches == [1, 1, 1]
    queries(["bees"])
    assert encoder.batches == [1, 1, 1, 1]


def test_memory_is_bounded_also_for_long_texts() -> None:
    encoder = HashEncoder()
    queries = QueryEncoder(lambda: encoder, cache_bytes=100_000)
    for n in range(50):
        queries([f"{n} {'long ' * 10_000}"])
        queries([f"short {n}"])
    kept = sum(n_bytes(*one) for one in queries._known.items())
    assert kept == queries._known_bytes <= 100_000
    assert "short 49" in queries._known


def test_nothing_is_remembered_where_that_is_asked_for() -> None:
    encoder = HashEncoder()
    queries = QueryEncoder(lambda: encoder, cache_bytes=0)
    queries(["ants"])
    queries(["ants"])
    assert encoder.batches == [1, 1]


@pytest.mark.parametrize("size", [-1, 1.5, True, None])
def test_a_size_that_is_none_is_refused(size: object) -> None:
    with pytest.raises(ValueError, match="query_cache_bytes="):
        QueryEncoder(HashEncoder, cache_bytes=size)  # type: ignore[arg-type]


def test_a_child_that_is_forked_while_a_query_is_encoded_does_not_wait_for_it(
    waiting: Waiting,
) -> None:
    if (child := os.fork()) == 0:
        signal.alarm(20)
        waiting.encoder.may_go.set()
        found = waiting.queries(["first", "second"])
        os._exit(0 if found.keys() == {"first", "second"} else 1)
    assert os.waitpid(child, 0)[1] == 0
