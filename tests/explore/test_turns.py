from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
import pytest

from splare_os.encoder import GivesWholeQueries, Spans, own_prior, own_top_k
from splare_os.explore.turns import MOST_SPANNED, REMEMBERED, InTurns
from splare_os.impacts import Impacts
from splare_os.search.weigh.queries import encoded
from tests.hashing import CutEncoder, HashEncoder, WordEncoder


class Alone(WordEncoder):
    """Fails if two ask at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.lock, self.asked = Lock(), []

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        assert self.lock.acquire(blocking=False)
        found = super().encode_documents(texts)
        self.lock.release()
        return found

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        assert self.lock.acquire(blocking=False)
        self.asked.append(list(texts))
        found = super().spans(texts, query=query)
        self.lock.release()
        return found


class Sparing(Alone):
    """Tells spans of some latents alone, too."""

    def some_spans(self, texts: Sequence[str], latents: Sequence[Collection[int]]) -> list[Spans]:
        self.asked.append([(text, set(some)) for text, some in zip(texts, latents, strict=True)])
        return [
            {latent: span for latent, span in spans.items() if latent in some}
            for spans, some in zip(WordEncoder().spans(texts), latents, strict=True)
        ]


def test_threads_take_turns_and_get_their_own() -> None:
    encoder, plain = InTurns(Alone()), WordEncoder()
    texts = [f"word{at % 7} other{at}" for at in range(200)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: encoder.encode_whole_queries([text]), texts))
        spans = list(pool.map(lambda text: encoder.spans([text]), texts))
    for at, text in enumerate(texts):
        assert (found[at].toarray() == plain.encode_queries([text]).toarray()).all()
        assert spans[at] == plain.spans([text])


def test_it_weighs_a_query_as_the_encoder_alone_does() -> None:
    for plain in (HashEncoder(), CutEncoder()):
        ours = InTurns(plain)
        assert isinstance(ours, GivesWholeQueries)
        for text in ("oil price", "", "oil"):
            whole = encoded(ours, [text]).impacts
            np.testing.assert_array_equal(whole.toarray(), plain.encode_queries([text]).toarray())
        assert ours.query_top_k == plain.n_latents
        assert (own_prior(ours), own_top_k(ours)) == (own_prior(plain), own_top_k(plain))


def test_a_text_is_asked_for_spans_once_and_never_if_it_is_too_long() -> None:
    inner = Alone()
    encoder = InTurns(inner)
    long = "a" * (MOST_SPANNED + 1)
    first = encoder.spans(["oil", long, "oil", "war"])
    assert first == [*WordEncoder().spans(["oil"]), {}, *WordEncoder().spans(["oil", "war"])]
    assert encoder.spans(["war", "oil"]) == [first[3], first[0]]
    assert inner.asked == [["oil", "war"]]
    encoder.spans(["oil"], query=True)
    assert inner.asked == [["oil", "war"], ["oil"]]


def test_impacts_of_a_document_are_made_once() -> None:
    inner = WordEncoder()
    encoder = InTurns(inner)
    texts = ["oil", "war", "oil"]
    for _ in range(2):
        found = encoder.encode_documents(texts)
        assert (found.toarray() == WordEncoder().encode_documents(texts).toarray()).all()
    assert encoder.encode_documents([]).shape == (0, inner.n_latents)
    many = [f"w{at}" for at in range(REMEMBERED)]
    encoder.encode_documents(many)
    encoder.encode_documents([many[0], "oil"])
    assert inner.batches == [2, REMEMBERED, 1]


def test_of_some_latents_only_new_ones_are_asked_for() -> None:
    inner = Sparing()
    encoder = InTurns(inner)
    (whole,) = WordEncoder().spans(["oil price war"])
    one, two, three = whole
    text = "oil price war"
    assert encoder.some_spans([text, "a" * (MOST_SPANNED + 1)], [[one], [one]]) == [
        {one: whole[one]},
        {},
    ]
    assert encoder.some_spans([text, text], [[one], []]) == [{one: whole[one]}] * 2
    assert inner.asked == [[(text, {one})]]
    assert encoder.some_spans([text, text], [[two], [three]]) == [whole, whole]
    assert inner.asked[1:] == [[(text, {one, two, three})]]
    assert encoder.spans([text]) == [whole]
    assert encoder.some_spans([text], [[one, 511]]) == [whole]
    assert inner.asked[2:] == [[text]]


def test_an_encoder_that_tells_no_part_tells_all() -> None:
    inner = Alone()
    encoder = InTurns(inner)
    whole = WordEncoder().spans(["oil price"])
    assert encoder.some_spans(["oil price"], [[3]]) == whole == encoder.spans(["oil price"])
    assert inner.asked == [["oil price"]]


def test_the_texts_asked_for_last_are_remembered() -> None:
    inner = Alone()
    encoder = InTurns(inner)
    many = [f"w{at}" for at in range(REMEMBERED + 1)]
    assert encoder.spans(many) == WordEncoder().spans(many)
    encoder.spans([many[-1]])
    assert len(inner.asked) == 1
    encoder.spans([many[0]])
    assert inner.asked[1:] == [["w0"]]


def test_a_text_that_cannot_be_encoded_is_told_each_time() -> None:
    encoder = InTurns(HashEncoder())
    for _ in range(2):
        with pytest.raises(ValueError, match="nobody can read"):
            encoder.encode_whole_queries(["xyzzy"])
