from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from benchmarks.dense_sae import Searched
from benchmarks.feedback import BEFORE, Space, figures, judge, runs
from benchmarks.scoring import Collection
from splare_os.evaluate.datasets import DataSet, Qrels
from splare_os.search import Feedback

IDS = ("a", "b", "c", "d")


def rows(*values: Sequence[float]) -> csr_array:
    return csr_array(np.array(values, dtype=np.float32))


def data_of(qrels: Qrels, folder: Path = Path()) -> DataSet:
    queries = {query: "a text" for query in qrels}
    corpus = folder / "corpus.jsonl"
    return DataSet("four", corpus, queries, qrels, len(IDS), "f" * 16, frozenset())


def space(qrels: Qrels) -> Space:
    """Query and a show latent 0, a and b latent 1, c latent 0 a little, d nothing of them."""
    documents = rows([4, 4, 0], [0, 4, 0], [1, 0, 1], [0, 0, 1])
    queries = rows(*[[1, 0, 0]] * len(qrels))
    data = data_of(qrels)
    one = Collection("four", documents, queries, 10, IDS, data, None)
    return Space(one, documents, documents, queries)


def test_those_are_judged_that_a_user_sees_first() -> None:
    scores = np.array([0.1, 0.9, 0.5, 0.7], dtype=np.float32)
    assert judge(scores, {0, 2}, (1, 2)) == ([2], [1, 3])
    assert judge(scores, {0, 2}, (3, 0)) == ([2, 0], [])


def test_what_was_judged_is_gone_from_rankings_and_judgements() -> None:
    qrels, found = runs(space({"q": {"a": 1, "b": 1}}), (1, 0), {"way": Feedback()})
    assert qrels == {"q": {"b": 1}}
    assert found[BEFORE] == {"q": {"c": 1.0}}
    assert list(found["way"]["q"]) == ["b", "c"]


def test_a_query_with_nothing_left_to_find_does_not_count() -> None:
    qrels, _ = runs(space({"q": {"a": 1}, "r": {"a": 1, "b": 1}}), (1, 0), {"way": Feedback()})
    assert list(qrels) == ["r"]


def test_a_row_tells_before_and_after() -> None:
    (row,) = figures(space({"q": {"a": 1, "b": 1}}), (1, 0), {"way": Feedback()})
    assert (row["before"], row["after"], row["wins"], row["queries"]) == (0.0, 1.0, 1, 1)


def test_a_share_is_of_the_first_hits_of_the_nearest_vectors(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text(
        "".join(f'{{"_id": "{name}", "text": "x"}}\n' for name in IDS)
    )
    documents = np.eye(4, dtype=np.float32)
    one = Searched(data_of({"q": {"b": 1}}, tmp_path), documents, documents[:1])
    shows = np.array([True, False, True, False])
    assert one.share(one.queries, shows) == pytest.approx([0.5])
    assert one.ndcg(np.array([[0.5, 0.9, 0.0, -1.0]], dtype=np.float32)) == 1.0
