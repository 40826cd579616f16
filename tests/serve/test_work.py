import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from splare_os.errors import EncoderError
from splare_os.impacts import Impacts
from splare_os.serve.queue import Batch, Entry, Kind, Slice
from splare_os.serve.work import (
    Explanations,
    ModelFailedError,
    Part,
    Rows,
    UnreadableTextError,
    answers,
    joined,
)
from tests.hashing import HashEncoder, WordEncoder


class Broken(HashEncoder):
    """Fails whatever it reads."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def encode_documents(self, texts: Sequence[str]) -> Impacts:  # noqa: ARG002
        raise self.error


def batch(*slices: Sequence[str], kind: Kind = "document") -> Batch:
    loop = asyncio.new_event_loop()
    entries = [Entry(kind, texts, loop.create_future()) for texts in slices]
    loop.close()
    return Batch(kind, [Slice(one, 0, len(one.texts)) for one in entries], 1)


def impacts_of(part: Part | Exception) -> list[list[float]]:
    assert not isinstance(part, Exception), part
    return [[float(value) for value in row] for row in part.impacts.toarray()]


def test_each_slice_gets_its_own_rows() -> None:
    encoder = HashEncoder()
    first, second = answers(encoder, batch(["a", "b b"], ["c"]))
    assert encoder.batches == [3]
    assert impacts_of(first) == encoder.encode_documents(["a", "b b"]).toarray().tolist()
    assert impacts_of(second) == encoder.encode_documents(["c"]).toarray().tolist()


def test_rows_of_one_batch_share_its_json() -> None:
    first, second = answers(HashEncoder(), batch(["a", ""], ["b"]))
    assert isinstance(first, Rows)
    assert isinstance(second, Rows)
    latent = HashEncoder().latent
    assert first.features == [b'{"%d":0.5}' % latent("a"), b"{}"]
    assert second.features == [b'{"%d":0.5}' % latent("b")]
    assert first.made.features is second.made.features


def test_explanations_have_impacts_and_spans() -> None:
    encoder = WordEncoder()
    first, second = answers(encoder, batch(["a b"], ["c"], kind="query_explanation"))
    assert isinstance(first, Explanations)
    assert isinstance(second, Explanations)
    assert first.spans == [{encoder.latent("a"): (0, 1), encoder.latent("b"): (2, 3)}]
    assert second.spans == [{encoder.latent("c"): (0, 1)}]
    assert first.impacts.nnz == 2


def test_a_text_that_cannot_be_read_fails_its_own_request_alone() -> None:
    good, bad, other = answers(HashEncoder(), batch(["a"], ["b", "xyzzy"], ["c"]))
    assert isinstance(bad, UnreadableTextError)
    assert (bad.position, str(bad)) == (1, "text 1: a word that nobody can read")
    assert impacts_of(good) == HashEncoder().encode_documents(["a"]).toarray().tolist()
    assert impacts_of(other) == HashEncoder().encode_documents(["c"]).toarray().tolist()


@pytest.mark.parametrize("error", [RuntimeError, IndexError])
@pytest.mark.parametrize("others", [[], ["c"]])
def test_a_text_that_breaks_the_model_fails_its_own_request_alone(
    error: type[Exception], others: list[str]
) -> None:
    class Fragile(HashEncoder):
        def encode_documents(self, texts: Sequence[str]) -> Impacts:
            if "b" in texts:
                raise error("index out of range")
            return super().encode_documents(texts)

    bad, *good = answers(Fragile(), batch(["a", "b"], *([others] if others else [])))
    assert isinstance(bad, UnreadableTextError)
    assert bad.position == 1
    assert [type(one) for one in good] == [Rows] * len(others)


def test_what_every_text_meets_is_the_models_fault() -> None:
    for error in (RuntimeError("out of memory: a secret"), KeyError("a secret")):
        found = answers(Broken(error), batch(["a"], ["b"]))
        assert [type(one) for one in found] == [ModelFailedError] * 2
        assert {str(one) for one in found} == {type(error).__name__}


def test_what_the_model_cannot_do_is_told_to_all() -> None:
    found = answers(HashEncoder(), batch(["a"], ["b"], kind="document_explanation"))
    assert [type(one) for one in found] == [EncoderError] * 2


def test_an_impact_that_no_index_can_hold_is_refused() -> None:
    class Infinite(HashEncoder):
        def encode_documents(self, texts: Sequence[str]) -> Impacts:
            found = super().encode_documents(texts)
            found.data[:] = np.where(found.data > 0.5, np.inf, found.data)
            return found

    good, bad = answers(Infinite(), batch(["a"], ["b b"]))
    assert isinstance(bad, UnreadableTextError)
    assert "impact inf of latent" in str(bad)
    assert impacts_of(good) == HashEncoder().encode_documents(["a"]).toarray().tolist()


def test_joined_parts_equal_the_whole() -> None:
    encoder = WordEncoder()
    parts = answers(encoder, batch(["a", "b"], ["c d"], kind="document_explanation"))
    whole = joined([part for part in parts if not isinstance(part, Exception)])
    assert isinstance(whole, Explanations)
    plain = encoder.encode_documents(["a", "b", "c d"])
    assert whole.impacts.toarray().tolist() == plain.toarray().tolist()
    assert whole.spans == encoder.spans(["a", "b", "c d"])


@pytest.mark.parametrize("kind", ["query", "whole_query", "document"])
def test_kinds_are_encoded_by_their_own_call(kind: Kind) -> None:
    (part,) = answers(WordEncoder(), batch(["a a b"], kind=kind))
    assert sum(map(sum, impacts_of(part))) == 1.5
