import math
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

from splare_os.errors import EncoderError, TrainingError
from splare_os.train.distill import teachers as module
from splare_os.train.distill.losses import Places, Scores
from splare_os.train.distill.pairs import Pairs, Row, TrainingSet
from splare_os.train.distill.teachers import Embedded, Listed, calibrated, embedded, lexical
from tests.models import save_bert
from tests.train.distilling import pairs_of, set_of

DOCUMENTS = ["oil price rises", "oil", "rivers run deep waters"]


def lucene(count: int, length: int, n_with: int, *, mean: float) -> float:
    """BM25 of one term, of 3 documents, by its definition in Lucene (k1 1.2, b 0.75)."""
    idf = math.log(1 + (3 - n_with + 0.5) / (n_with + 0.5))
    return idf * count / (count + 1.2 * (1 - 0.75 + 0.75 * length / mean))


def test_bm25_is_lucenes() -> None:
    queries = ["oil prices", "the river", "oil oil", "unknown"]
    data = TrainingSet.of([Pairs("three", queries, DOCUMENTS, [Row(0, 0)])])
    teacher = lexical(data)
    found = teacher(np.arange(4), np.array([0, 1, 2]))
    mean = 8 / 3
    oil_first, oil_second = (lucene(1, length, 2, mean=mean) for length in (3, 1))
    price, river = lucene(1, 3, 1, mean=mean), lucene(1, 4, 1, mean=mean)
    expected = [
        [oil_first + price, oil_second, 0],
        [0, 0, river],
        [2 * oil_first, 2 * oil_second, 0],
        [0, 0, 0],
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert oil_second == pytest.approx(0.47000 / (1 + 1.2 * (0.25 + 0.75 * 3 / 8)), rel=1e-4)
    picked = teacher(np.array([1, 0]), np.array([2, 0]))
    np.testing.assert_allclose(picked, [[river, 0], [0, oil_first + price]], rtol=1e-5)


def test_terms_stand_in_one_order_in_every_process() -> None:
    asked = ["deep", "oil", "prices", "rising", "river", "run", "water"]
    teacher = lexical(TrainingSet.of([Pairs("three", asked, DOCUMENTS, [Row(0, 0)])]))
    assert teacher.queries.indices.tolist() == list(range(7))


def test_each_source_has_statistics_of_its_own() -> None:
    first = Pairs("one", ["oil"], DOCUMENTS, [Row(0, 0)])
    second = Pairs("two", ["oil"], ["oil oil", "oil price", "oil war"], [Row(0, 0)])
    both = lexical(TrainingSet.of([first, second]))
    alone = lexical(TrainingSet.of([second]))
    np.testing.assert_array_equal(
        both(np.array([1]), np.array([3, 4, 5])), alone(np.array([0]), np.arange(3))
    )


def test_listed_scores_are_of_their_rows_alone() -> None:
    data = set_of(Row(0, 0, (1,), (3.0, 1.0)), Row(1, 1, (), ()), Row(2, 0, (), (2.0,)))
    found = Listed.of(data)(np.array([0, 1, 2]), np.array([0, 1]))
    np.testing.assert_array_equal(found, [[3.0, 1.0], [np.nan, np.nan], [2.0, np.nan]])


class Planted:
    """A teacher made of a table [query, document]."""

    def __init__(self, table: np.ndarray) -> None:
        self.table = table.astype(np.float32)

    def __call__(self, queries: Places, documents: Places) -> Scores:
        return self.table[np.ix_(queries, documents)]


def planted_world(n: int = 400) -> tuple[Planted, Planted, TrainingSet, np.ndarray, np.ndarray]:
    """Two teachers whose sum, 2 · one + 5 · other, is what relevance was drawn by."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, n, 4))
    chances = np.exp(2 * one + 5 * other)
    answers = [int(rng.choice(4, p=row / row.sum())) for row in chances]
    tables = []
    for scores in (one, other):  # the documents of query q are 4q..4q+3
        table = np.zeros((n, 4 * n))
        for query in range(n):
            table[query, 4 * query : 4 * query + 4] = scores[query]
        tables.append(Planted(table))
    rows = [Row(q, 4 * q + answer) for q, answer in enumerate(answers)]
    texts = [f"q{n}" for n in range(n)], [f"d{n}" for n in range(4 * n)]
    return (*tables, TrainingSet.of([Pairs("planted", *texts, rows)]), one, other)


def test_fitting_recovers_planted_scales_and_beats_each_teacher_alone() -> None:
    _, _, data, one, other = planted_world()
    relevant = np.zeros(one.shape, dtype=bool)
    for query, row in enumerate(data.rows):
        relevant[query, row.positive % 4] = True
    seen = [(np.stack([one, other]), relevant)]
    scales = module._fit(seen, 2)
    np.testing.assert_allclose(scales, [2, 5], rtol=0.25)

    def loss(scores: np.ndarray) -> float:
        shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        return float(-np.log(shares[relevant]).mean())

    alone = [
        loss(module._fit([(scores[None], relevant)], 1)[0] * scores) for scores in (one, other)
    ]
    assert loss(scales[0] * one + scales[1] * other) < 0.9 * min(alone)


def test_scales_are_fitted_source_by_source() -> None:
    """One teacher knows the answers of the first source, the other those of the second."""
    sources = [pairs_of(*(Row(q, q) for q in range(8)), name=name, n=8) for name in ("a", "b")]
    data = TrainingSet.of(sources)
    rng = np.random.default_rng(0)
    knowing = np.eye(16) + 0.8 * rng.normal(size=(16, 16))
    noise = rng.normal(size=(16, 16))
    one, other = knowing.copy(), knowing.copy()
    one[8:], other[:8] = noise[8:], noise[:8]
    blend = calibrated([Planted(one), Planted(other)], data, [np.arange(8), np.arange(8, 16)] * 3)
    assert blend.scales[0, 0] > 3 * blend.scales[0, 1]
    assert blend.scales[1, 1] > 3 * blend.scales[1, 0]
    queries, documents = np.array([9, 12]), np.array([8, 10])
    expected = blend.scales[1, 0] * one[np.ix_(queries, documents)]
    expected = expected + blend.scales[1, 1] * other[np.ix_(queries, documents)]
    np.testing.assert_allclose(blend(queries, documents), expected, rtol=1e-5)


def test_a_source_that_no_batch_is_of_gets_the_scales_of_all() -> None:
    sources = [pairs_of(*(Row(q, q) for q in range(8)), name=name, n=8) for name in ("a", "b")]
    table = np.eye(16) + 0.8 * np.random.default_rng(0).normal(size=(16, 16))
    blend = calibrated([Planted(table)], TrainingSet.of(sources), [np.arange(8)])
    assert blend.scales[0, 0] == blend.scales[1, 0] > 0


def test_a_teacher_worse_than_chance_is_left_out() -> None:
    data = set_of(*(Row(q, q) for q in range(8)))
    table = -np.eye(9) + 0.5 * np.random.default_rng(0).normal(size=(9, 9))
    assert calibrated([Planted(table)], data, [np.arange(8)]).scales.tolist() == [[0.0]]


def test_a_teacher_that_says_nothing_is_left_out_and_does_not_decide_later() -> None:
    data = set_of(*(Row(q, q) for q in range(8)))
    silent, good = np.zeros((9, 9)), np.eye(9) + np.random.default_rng(0).normal(size=(9, 9))
    ((scale, other),) = calibrated([Planted(silent), Planted(good)], data, [np.arange(8)]).scales
    assert scale == 0
    assert other > 0


class Counting:
    """A bi-encoder that notes what it is asked; `loaded` are the models and devices so far."""

    loaded: ClassVar[list[tuple[str, str]]] = []
    asked: ClassVar[list[tuple[str, tuple[str, ...]]]] = []

    def __init__(self, name: str, device: str) -> None:
        self.loaded.append((name, device))

    def to(self, dtype: torch.dtype) -> "Counting":
        assert dtype in {torch.float32, torch.bfloat16}
        return self

    def encode_query(self, texts: list[str], **_: object) -> torch.Tensor:
        self.asked.append(("query", tuple(texts)))
        return torch.tensor([[3.0, 4.0]] * len(texts))

    def encode_document(self, texts: list[str], **_: object) -> torch.Tensor:
        self.asked.append(("document", tuple(texts)))
        return torch.tensor([[3.0, 4.0]] * len(texts))


def test_vectors_are_of_the_texts_in_rows_and_computed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Counting.loaded.clear()
    Counting.asked.clear()
    monkeypatch.setattr("sentence_transformers.SentenceTransformer", Counting)
    data, where = set_of(Row(1, 3, (0,)), Row(4, 3)), {"folder": tmp_path, "device": "cuda:1"}
    first = embedded(data, "model", **where)
    assert Counting.asked == [("query", ("q1", "q4")), ("document", ("d0", "d3"))]
    assert Counting.loaded == [("model", "cuda:1")]
    np.testing.assert_allclose(first.queries[[1, 4]], [[0.6, 0.8]] * 2, atol=1e-3)
    assert not first.queries[[0, 2, 3]].any()
    again = embedded(data, "model", **where)
    assert len(Counting.loaded) == 1
    np.testing.assert_array_equal(again.documents, first.documents)
    embedded(data, "other", **where)
    assert Counting.loaded[1:] == [("other", "cuda:1")]


def test_a_bi_encoder_reads_no_more_of_a_text_than_its_student(tmp_path: Path) -> None:
    save_bert(tmp_path / "dense")
    data = set_of(Row(0, 0), Row(1, 1))
    data.documents[:2] = ["oil war " * 9, "oil war " * 2]
    cut = embedded(data, str(tmp_path / "dense"), folder=tmp_path, device="cpu", max_tokens=6)
    np.testing.assert_allclose(cut.documents[0], cut.documents[1], atol=1e-3)
    whole = embedded(data, str(tmp_path / "dense"), folder=tmp_path, device="cpu")
    assert not np.allclose(whole.documents[0], whole.documents[1], atol=1e-3)


def test_vectors_that_are_no_numbers_are_refused_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentence_transformers.SentenceTransformer", Counting)
    nan = torch.tensor([[math.nan, 1.0]])
    monkeypatch.setattr(
        Counting, "encode_document", lambda _, texts, **__: nan.repeat(len(texts), 1)
    )
    with pytest.raises(TrainingError, match="teacher broken gives vectors that are no numbers"):
        embedded(set_of(Row(0, 0)), "broken", folder=tmp_path, device="cpu")
    assert len([*tmp_path.iterdir()]) == 1  # of the query


def test_a_stop_while_vectors_are_written_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", stop)
        with pytest.raises(KeyboardInterrupt):
            module.keep(tmp_path / "vectors-1.npy", np.zeros(2))
    assert not (tmp_path / "vectors-1.npy").exists()
    module.keep(tmp_path / "vectors-1.npy", np.ones(2))
    assert [path.name for path in tmp_path.iterdir()] == ["vectors-1.npy"]


def test_cosines_are_of_the_places_asked_for() -> None:
    teacher = Embedded(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[::-1].copy())
    assert teacher(np.array([0, 2]), np.array([2, 1])).tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_a_bi_encoder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    save_bert(tmp_path / "damaged")
    (tmp_path / "damaged" / "model.safetensors").write_bytes(b"half")
    for name in ("nowhere", "damaged"):
        with pytest.raises(EncoderError, match=f"the teacher '.*{name}' cannot be loaded"):
            embedded(set_of(Row(0, 0)), str(tmp_path / name), folder=tmp_path, device="cpu")
