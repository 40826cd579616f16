from collections.abc import Iterator
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

from splare_os.errors import EncoderError, TrainingError
from splare_os.train.distill import teaching as module
from splare_os.train.distill.options import DistillOptions
from splare_os.train.distill.pairs import Row, TrainingSet, read_pairs
from splare_os.train.distill.teachers import Blend, Listed
from splare_os.train.distill.teaching import check_names, knows_rows_only, scored, teaching
from tests.models import save_bert, save_tokenizer
from tests.train.distilling import plain, save_rows, set_of, toy_rows

pytestmark = pytest.mark.filterwarnings("ignore")  # of torch, when tiny models are built
OPTIONS = DistillOptions(batch_size=8, negatives=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    return TrainingSet.of([read_pairs(save_rows(path, plain(toy_rows())))])


def save_bi_encoder(folder: Path) -> str:
    save_bert(folder / "bert")
    bert = Transformer(str(folder / "bert"))
    pooling = Pooling(bert.get_embedding_dimension())
    SentenceTransformer(modules=[bert, pooling], device="cpu").save_pretrained(str(folder / "bi"))
    return str(folder / "bi")


def save_cross_encoder(folder: Path, *, labels: int = 1) -> str:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=save_tokenizer(folder),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=128,
        num_labels=labels,
    )
    model = BertForSequenceClassification(config)
    model.classifier.weight.data.normal_()
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(folder).save_pretrained(folder)
    return str(folder)


def test_a_blend_of_bm25_and_a_bi_encoder_has_a_scale_each(
    data: TrainingSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = save_bi_encoder(tmp_path)
    model, cache = SentenceTransformer(name, device="cpu"), tmp_path / "cache"
    names = ("bm25", f"bi-encoder:{name}")
    found = teaching(names, data, OPTIONS, folder=cache)
    assert found.vectors is not None
    assert found.scales is not None
    assert found.scales.shape == (1, 2)
    assert found.scales[0, 0] > 0  # words are shared
    expected = model.encode_query([data.queries[5]], normalize_embeddings=True)
    np.testing.assert_allclose(found.vectors[5], expected[0], atol=0.01)  # perhaps in bfloat16

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the model is loaded again")

    monkeypatch.setattr("sentence_transformers.SentenceTransformer", refuse)
    again = teaching(names, data, OPTIONS, folder=cache)
    assert again.scales is not None
    np.testing.assert_array_equal(found.scales, again.scales)


def test_bm25_alone_finds_most_answers_and_gives_no_vectors(
    data: TrainingSet, tmp_path: Path
) -> None:
    found = teaching(("bm25",), data, OPTIONS, folder=tmp_path / "cache")
    assert isinstance(found.teacher, Blend)
    assert found.vectors is None
    places = np.arange(len(data.rows))
    scores = found.teacher(places, np.array([row.positive for row in data.rows]))
    assert (scores.argmax(axis=1) == places).mean() > 0.7  # numbers of one digit are no terms
    assert not (tmp_path / "cache").exists()


def test_a_cross_encoder_scores_the_documents_of_rows_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, cache = save_cross_encoder(tmp_path / "cross"), tmp_path / "cache"
    data = set_of(Row(0, 1, (2,)), Row(3, 4))
    pairs = [("q0", "d1"), ("q0", "d2"), ("q3", "d4")]
    expected = CrossEncoder(name, device="cpu").predict(pairs, activation_fn=torch.nn.Identity())
    found = scored(data, name, folder=cache, device="cpu")
    first, second = (row.scores for row in found.rows)
    np.testing.assert_allclose([*first, *second], expected, rtol=1e-5)
    assert (len(first), len(second)) == (2, 1)
    monkeypatch.setattr("sentence_transformers.CrossEncoder", None)
    taught = teaching((f"cross-encoder:{name}",), data, OPTIONS, folder=cache)
    assert isinstance(taught.teacher, Listed)
    assert (taught.vectors, taught.scales) == (None, None)
    assert taught.teacher(np.array([3]), np.array([4, 1]))[0, 0] == pytest.approx(expected[2])


def test_a_cross_encoder_scores_no_negatives_that_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def predict(_: str, pairs: list[tuple[str, str]], device: str) -> np.ndarray:
        asked.extend((*pairs, ("on", device)))
        return np.zeros(len(pairs), dtype=np.float32)

    monkeypatch.setattr(module, "_predict", predict)
    data = set_of(Row(0, 1, (2, 3)), Row(3, 4, (5,)))
    options = replace(OPTIONS, device="cpu")
    taught = teaching(("cross-encoder:x",), data, options, folder=tmp_path)
    assert asked == [("q0", "d1"), ("q0", "d2"), ("q3", "d4"), ("q3", "d5"), ("on", "cpu")]
    assert np.isnan(taught.teacher(np.array([0]), np.array([1, 2, 3]))).tolist() == [[0, 0, 1]]


@pytest.mark.parametrize(("batch_size", "n"), [(4, 200), (48, 200), (512, 64), (8192, 1)])
def test_calibration_looks_at_fewer_batches_where_they_are_large(
    batch_size: int, n: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def count(_: object, __: object, drawn: Iterator[object]) -> Blend:
        seen.append(sum(1 for _ in drawn))
        return Blend((), np.zeros((1, 0), dtype=np.float32), np.zeros(1, dtype=np.int64))

    monkeypatch.setattr(module, "calibrated", count)
    monkeypatch.setattr(module, "batches", lambda *_, **__: repeat(None))
    monkeypatch.setattr(module, "lexical", lambda _: None)
    options = replace(OPTIONS, batch_size=batch_size)
    teaching(("bm25",), set_of(Row(0, 0)), options, folder=tmp_path)
    assert seen == [n]


def test_cross_encoders_that_cannot_teach_are_refused(tmp_path: Path) -> None:
    data, where = (
        set_of(Row(0, 1, (2,)), Row(3, 4)),
        {"folder": tmp_path / "cache", "device": "cpu"},
    )
    three = save_cross_encoder(tmp_path / "three", labels=3)
    with pytest.raises(EncoderError, match="gives 3 scores for a pair: name one that gives a"):
        scored(data, three, **where)
    broken = save_cross_encoder(tmp_path / "broken")
    model = BertForSequenceClassification.from_pretrained(broken)
    model.classifier.bias.data[0] = torch.nan
    model.save_pretrained(broken)
    with pytest.raises(TrainingError, match="gives scores that are no numbers"):
        scored(data, broken, **where)
    (tmp_path / "broken" / "model.safetensors").write_bytes(b"half")
    for name in ("nowhere", "broken"):
        with pytest.raises(EncoderError, match=f"the teacher '.*{name}' cannot be loaded"):
            scored(data, str(tmp_path / name), **where)
    assert not (tmp_path / "cache").exists()


def test_rows_that_bring_scores_teach_alone(tmp_path: Path) -> None:
    data = set_of(Row(0, 1, (2,), (2.0, 1.0)), Row(3, 4, (), (7.0,)))
    taught = teaching(("scores",), data, OPTIONS, folder=tmp_path)
    assert taught.teacher(np.array([0]), np.array([1, 2])).tolist() == [[2.0, 1.0]]
    lacking = set_of(Row(0, 1, (), (2.0,)), Row(3, 4))
    with pytest.raises(TrainingError, match="toy, pair 2: no teacher scores; add them, or name"):
        teaching(("scores",), lacking, OPTIONS, folder=tmp_path)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "no teacher: choose from bm25, dense, scores, bi-encoder:NAME, cross-encoder:NAME"),
        (("bm52",), "teacher 'bm52': choose from bm25"),
        (("bi-encoder:",), "teacher 'bi-encoder:': choose from"),
        (("bm25", "scores"), "'scores' knows the rows' own documents only, .*: leave out bm25"),
        (("cross-encoder:x", "dense"), "'cross-encoder:x' knows .*: leave out dense"),
    ],
)
def test_teachers_that_there_are_not_are_refused(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_names(names)


def test_which_teachers_know_rows_only() -> None:
    assert knows_rows_only(("scores",))
    assert knows_rows_only(("cross-encoder:x",))
    assert not knows_rows_only(("bm25", "dense"))
