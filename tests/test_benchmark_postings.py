import json
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from benchmarks.postings import ASKED, KEPT, Cost, costs, cut, plot, tables
from benchmarks.scoring import Collection, read_collection
from splare_os.evaluate.datasets import read_dataset
from tests.hashing import HashEncoder

DOCUMENTS = {"a": "oil oil oil embargo", "b": "oil price", "c": "ants", "d": "ants carry leaves"}
QUERIES = {"q": "oil embargo", "r": "ants"}


@pytest.fixture
def collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Collection:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, texts in (("corpus", DOCUMENTS), ("queries", QUERIES)):
        lines = [json.dumps({"_id": key, "text": text}) for key, text in texts.items()]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\ta\t1\nr\tc\t1\n")
    return read_collection(HashEncoder(), read_dataset(tmp_path, "scifact"))


def test_postings_are_those_that_a_query_meets_of_a_document(collection: Collection) -> None:
    found = dict(costs(collection))
    assert list(found) == [(one, other) for one in KEPT for other in ASKED]
    whole = found["all", 1.0]
    assert whole.impacts == 2  # (2 + 2 + 1 + 3) / 4
    assert whole.postings == pytest.approx(0.5 * 2 / 4 + 0.5 * 1 / 4 + 0.5 * 2 / 4)
    assert whole.ndcg == 1.0
    least = found["mass 0.7", ASKED[-1]]
    assert (least.impacts, least.postings) < (whole.impacts, whole.postings)


def test_queries_are_cut_one_by_one() -> None:
    weights = csr_array(np.array([[1, 6, 3], [4, 4, 4]], dtype=np.float32))
    assert cut(weights, 0.9).toarray().tolist() == [[0, 6, 3], [4, 4, 4]]
    assert cut(weights, 1).toarray().tolist() == weights.toarray().tolist()


def test_tables_have_a_row_for_each_choice_and_the_plot_is_drawn(tmp_path: Path) -> None:
    choices = [(one, other) for one in KEPT for other in ASKED]
    cheap = {choice: Cost(100, choice[1], 0.5) for choice in choices}
    dear = {choice: Cost(200, 3.0, 0.7) for choice in choices}
    found = {"npl": cheap, "cranfield": dear, "scifact": cheap}
    made = tables(found)
    assert made.count("\n| mass 0.9 | 0.8 |") == 2
    assert "| mass 0.9 | 0.8 | 150 | 1.90 | 0.6000 | 100 | 0.80 | 0.5000 |" in made
    assert "unseen (2): postings" in made
    assert "scifact: nDCG@10" in made
    plot(tmp_path / "plot.svg", found)
    assert "mass 0.9" in (tmp_path / "plot.svg").read_text()
