import json
from pathlib import Path

import pytest

from benchmarks.losses import CUTS, SHIPPED, changes, longest, of_changes, of_lengths
from benchmarks.scoring import Collection, read_collection
from splare_os.evaluate.datasets import DataSet, read_dataset
from tests.hashing import HashEncoder

DOCUMENTS = {"a": "oil oil oil embargo", "b": "oil price", "c": "ants", "d": "ants carry leaves"}
QUERIES = {"q": "oil embargo", "r": "ants"}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataSet:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, texts in (("corpus", DOCUMENTS), ("queries", QUERIES)):
        lines = [json.dumps({"_id": key, "text": text}) for key, text in texts.items()]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    judged = "query-id\tcorpus-id\tscore\nq\ta\t1\nr\tc\t1\nr\td\t1\nr\tb\t0\n"
    (tmp_path / "qrels.tsv").write_text(judged)
    return read_dataset(tmp_path, "npl")


@pytest.fixture
def collection(data: DataSet) -> Collection:
    return read_collection(HashEncoder(), data)


def test_one_thing_is_changed_at_a_time(collection: Collection) -> None:
    found = dict(changes(collection, top_k=1))
    assert list(found) == [SHIPPED, *CUTS, "no statistics: dot products"]
    assert found["both: all"] == {"q": 1.0, "r": 1.0}
    shared = {one: found[one]["r"] for one in (SHIPPED, "documents: 400")}
    assert shared == {SHIPPED: pytest.approx(0.613, abs=1e-3), "documents: 400": 1.0}


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
    assert longest(data) == {"q": 4, "r": 3}
    scores = {"bm25": {"q": 0.5, "r": 0.0}, "dense": {"q": 1.0, "r": 0.0}}
    scores["mini"] = {"q": 0.75, "r": 0.5}
    made = of_lengths({"npl": scores}, {"npl": {"q": 40, "r": 200}}, "mini")
    assert "| 1 to 40 | 1 | 0.5000 | 1.0000 | 0.7500 | -0.2500 [" in made
    assert "| more than 160 | 1 | 0.0000 | 0.0000 | 0.5000 | +0.5000 [" in made
    assert "41 to 80" not in made
