from pathlib import Path

import pytest

from benchmarks.losses import CUTS, SHIPPED, changes, longest, of_changes, of_lengths
from benchmarks.scoring import read_collection
from splare_os.evaluate.datasets import DataSet, read_dataset
from tests.evaluate.folders import save_folder
from tests.hashing import HashEncoder


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataSet:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return read_dataset(save_folder(tmp_path / "npl"), "npl")


def test_one_thing_is_changed_at_a_time(data: DataSet) -> None:
    found = dict(changes(read_collection(HashEncoder(), data), top_k=1))
    assert list(found) == [SHIPPED, *CUTS, "no statistics: dot products"]
    assert found[SHIPPED] == {"q1": 0, "q2": 0, "q3": 0}  # of its words each keeps another one
    assert found["queries: all"] == found[SHIPPED]
    assert found["documents: 400"] == {"q1": 1, "q2": 0, "q3": 1}  # a car is no automobile


def test_a_change_is_compared_with_the_model_as_shipped() -> None:
    found = {
        "npl": {SHIPPED: {"q": 0.5, "r": 0.5}, "more": {"q": 0.75, "r": 0.75}},
        "recipes": {SHIPPED: {"q": 0.5}, "more": {"q": 0.25}},
    }
    [_, _, shipped, more] = of_changes(found).strip().splitlines()
    assert shipped.startswith("| as shipped | 0.5000 | +0.0000 [+0.000, +0.000] |")
    assert more == (
        "| more | 0.7500 | +0.2500 [+0.250, +0.250] | 0.2500 | -0.2500 [-0.250, -0.250] |"
    )


def test_lengths_are_words_of_the_longest_document_that_answers(data: DataSet) -> None:
    assert longest(data) == {"q1": 6, "q2": 5, "q3": 8}
    scores = {"bm25": {"q": 0.5, "r": 0.0}, "dense": {"q": 1.0, "r": 0.0}}
    scores["mini"] = {"q": 0.75, "r": 0.5}
    made = of_lengths({"npl": scores}, {"npl": {"q": 40, "r": 200}}, "mini")
    assert "| 1 to 40 | 1 | 0.5000 | 1.0000 | 0.7500 | -0.2500 [" in made
    assert "| more than 160 | 1 | 0.0000 | 0.0000 | 0.5000 | +0.5000 [" in made
    assert "41 to 80" not in made
