import json
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.sparse import csr_array

from splare_os.documents.document import parse
from splare_os.documents.fields import Fields
from splare_os.documents.shards import Version
from splare_os.errors import EncoderError, ModelServerError
from splare_os.impacts import Impacts
from splare_os.index.actions import Stored, Target, text_digest
from splare_os.index.chunk import Chunk, Entry, encode, make_chunk
from splare_os.index.replies import Refusal
from splare_os.layout import DocumentCut
from tests.hashing import HashEncoder

TARGET = Target("i", "text_splare", HashEncoder().fingerprint, DocumentCut(400))


def entry(line: dict[str, object] | bytes, at: int = 1, *, is_repeat: bool = False) -> Entry:
    raw = line if isinstance(line, bytes) else json.dumps(line).encode()
    return Entry(at, parse("a.jsonl", at, raw, Fields()), is_repeat)


def statuses(chunk: Chunk, verdicts: Sequence[Refusal | None] | None = None) -> list[str]:
    settled = chunk.settle([None] * len(chunk.actions) if verdicts is None else verdicts)
    return [outcome.status for outcome, _ in settled]


def test_each_line_has_its_outcome(encoder):
    lines = [{"_id": "1", "text": "ants"}, b"{", {"_id": "2", "text": " "}, {"_id": "3"}]
    chunk = make_chunk([entry(line, at) for at, line in enumerate(lines)], {}, encoder, TARGET)
    assert statuses(chunk) == ["indexed", "dead", "empty", "empty"]
    assert encoder.batches == [1]


def test_a_text_without_a_single_latent_is_empty(encoder):
    assert statuses(make_chunk([entry({"_id": "1", "text": "..."})], {}, encoder, TARGET)) == [
        "empty"
    ]


def test_what_the_index_holds_is_neither_encoded_nor_sent(encoder):
    held = {
        "text": "ants",
        "text_splare": {"digest": text_digest("ants", TARGET)},
    }
    chunk = make_chunk(
        [entry({"_id": "1", "text": "ants"})], {"1": Stored(held, Version(7, 1))}, encoder, TARGET
    )
    assert statuses(chunk) == ["unchanged"]
    assert (chunk.actions, encoder.batches) == ({}, [])


def test_another_field_of_the_same_text_is_written_again(encoder):
    held = {
        "text": "ants",
        "text_splare": {"digest": text_digest("ants", TARGET)},
    }
    lines = [entry({"_id": "1", "text": "ants", "year": 1999})]
    assert statuses(make_chunk(lines, {"1": Stored(held, Version(7, 1))}, encoder, TARGET)) == [
        "indexed"
    ]


def test_a_repeated_id_is_always_sent_and_replaced(encoder):
    held = {
        "text": "ants",
        "text_splare": {"digest": text_digest("ants", TARGET)},
    }
    lines = [entry({"_id": "1", "text": "ants"}, is_repeat=True)]
    chunk = make_chunk(lines, {"1": Stored(held, Version(7, 1))}, encoder, TARGET)
    assert statuses(chunk) == ["replaced"]
    assert len(chunk.actions) == 1


@pytest.mark.parametrize("key", ["text_splare", "text_splare.count"])
def test_a_document_with_our_field_of_its_own_is_dead(encoder, key):
    chunk = make_chunk([entry({"_id": "1", "text": "x", key: 1})], {}, encoder, TARGET)
    (outcome, letter), *_ = chunk.settle([])
    assert outcome.status == "dead"
    assert f"has a field '{key}' of its own" in outcome.reason
    assert json.loads(letter)["_id"] == "1"


def test_what_the_cluster_refuses_is_dead_with_its_reason(encoder):
    lines = [entry({"_id": "1", "text": "ants"}), entry({"_id": "2", "text": "bees"})]
    chunk = make_chunk(lines, {}, encoder, TARGET)
    (first, none), (second, letter) = chunk.settle([None, Refusal(400, "no date", "dead")])
    assert (first.status, none) == ("indexed", b"")
    assert (second.status, second.reason) == ("dead", "no date")
    assert json.loads(letter)["status"] == 400


def test_one_text_that_cannot_be_encoded_is_dead_and_the_others_are_not(encoder):
    texts = ["ants", "xyzzy", "bees"]
    lines = [entry({"_id": text, "text": text}, at) for at, text in enumerate(texts)]
    chunk = make_chunk(lines, {}, encoder, TARGET)
    assert statuses(chunk) == ["indexed", "dead", "indexed"]
    assert chunk.dead[1] == "cannot be encoded: ValueError: a word that nobody can read"
    assert encoder.batches == [3, 1, 1, 1]


def test_one_by_one_gives_the_impacts_of_the_batch(encoder):
    texts = ["ants carry leaves", "bees", "wasps and bees"]
    batch, _ = encode(encoder, texts, TARGET.cut)
    alone, failures = encode(encoder, [*texts, "xyzzy"], TARGET.cut)
    assert failures.keys() == {3}
    assert np.array_equal(alone.toarray()[:3], batch.toarray())


class Broken(HashEncoder):
    """Meets an error in each text that holds `bad`."""

    def __init__(self, bad: str, error: type[Exception] = RuntimeError) -> None:
        super().__init__()
        self.bad, self.error = bad, error

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        if any(self.bad in text for text in texts):
            raise self.error("out of memory")
        return super().encode_documents(texts)


def test_a_runtime_error_of_one_text_is_that_text():
    _, failures = encode(Broken("b"), ["a", "b", "c"], TARGET.cut)
    assert failures == {1: "cannot be encoded: RuntimeError: out of memory"}


def test_an_error_of_every_text_ends_the_run():
    with pytest.raises(EncoderError, match=r"whatever the text \(RuntimeError: out of memory\)"):
        encode(Broken(""), ["a", "b", "c"], TARGET.cut)


@pytest.mark.parametrize("error", [RuntimeError, IndexError, TypeError, MemoryError, OSError])
def test_texts_that_nothing_can_be_said_of_are_dead_alone(error):
    broken = Broken("b", error)
    for texts in (["b"], ["bb", "b"], ["a", "b"]):
        _, failures = encode(broken, texts, TARGET.cut)
        reason = f"cannot be encoded: {error.__name__}: out of memory"
        assert failures == {at: reason for at, text in enumerate(texts) if "b" in text}


def test_an_error_of_ours_is_no_texts_fault():
    with pytest.raises(ModelServerError):
        encode(Broken("b", ModelServerError), ["a", "b"], TARGET.cut)


class Odd(HashEncoder):
    def __init__(self, value: float, *, n_rows: int = 0) -> None:
        super().__init__(8)
        self.value, self.n_rows = value, n_rows

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        n_rows = self.n_rows or len(texts)
        values = np.full(n_rows, 1.0, dtype=np.float32)
        values[0] = self.value
        return csr_array((values, (np.arange(n_rows), np.full(n_rows, 5))), shape=(n_rows, 8))


class Astray(HashEncoder):
    """Gives a text "b" a latent of its own."""

    def __init__(self, latent: int) -> None:
        super().__init__(8)
        self.latent_of_b = latent

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        impacts = csr_array(np.eye(len(texts), 8, dtype=np.float32))
        impacts.indices = np.array([self.latent_of_b if text == "b" else 0 for text in texts])
        return impacts


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_an_impact_that_cannot_be_stored_makes_its_text_dead(value):
    _, failures = encode(Odd(value), ["a", "b"], TARGET.cut)
    assert failures.keys() == {0}


@pytest.mark.parametrize("latent", [-1, 8])
def test_a_latent_that_the_encoder_does_not_have_makes_its_text_dead(latent):
    _, failures = encode(Astray(latent), ["a", "b", "c"], TARGET.cut)
    assert failures == {
        1: f"cannot be encoded: ValueError: latents {latent} to {latent} of an encoder that has 8"
    }


def test_an_encoder_returns_a_row_for_each_text():
    with pytest.raises(EncoderError, match=r"returned \(3, 8\) for 2 texts of 8 latents"):
        encode(Odd(1.0, n_rows=3), ["a", "b"], TARGET.cut)


def test_impacts_are_pruned(encoder):
    impacts, _ = encode(encoder, ["a a a b b c"], DocumentCut(2))
    assert impacts.nnz == 2
