import json
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from benchmarks.collection import Grown
from benchmarks.figures import figures
from benchmarks.in_memory import Exhaustive
from benchmarks.real import Real, read_judged
from benchmarks.search_page import growth, tables
from benchmarks.timing import Found, Timed, compared, timed


def rows(*values: list[float]) -> csr_array:
    return csr_array(np.array(values, dtype=np.float32))


REAL = rows([1, 0, 3, 0], [0, 2, 1, 0], [0, 0, 0, 4])


def test_rows_beyond_the_real_ones_are_maxima_of_two_of_them_cut_to_the_top() -> None:
    made = Grown(REAL, 8, top_k=2)
    assert made.shape == (8, 4)
    assert made[[2, 0]].toarray().tolist() == REAL.toarray()[[2, 0]].tolist()
    whole = made.whole().toarray()
    assert whole[:3].tolist() == REAL.toarray().tolist()
    for row, (one, other) in zip(whole[3:], made.pairs, strict=True):
        maximum = np.maximum(REAL.toarray()[one], REAL.toarray()[other])
        least = sorted(maximum)[-2]
        assert row[row > 0].tolist() == maximum[(maximum >= least) & (maximum > 0)].tolist()[:2]
    assert made[[7, 1]].toarray().tolist() == whole[[7, 1]].tolist()
    assert Grown(REAL, 2, 2).whole().toarray().tolist() == REAL.toarray()[:2].tolist()


def test_documents_of_a_size_are_the_real_ones_while_there_are_enough() -> None:
    real = Real(["a", "b", "c"], ["A", "B", "C"], REAL)
    few = real.of_size(2, base=1, top_k=2)
    assert (few.ids, few.texts) == (["a", "b"], ["A", "B"])
    many = real.of_size(4, base=2, top_k=2)
    assert list(many.rows(1)) == [
        {"_id": "b", "text": "1", "body": "B"},
        {"_id": "grown/2", "text": "2"},
        {"_id": "grown/3", "text": "3"},
    ]


def test_judged_queries_are_those_with_an_answer_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "set" / "qrels").mkdir(parents=True)
    lines = [json.dumps({"_id": name, "text": f"text {name}"}) for name in ("1", "2")]
    (tmp_path / "set" / "corpus.jsonl").write_text("\n".join(lines))
    (tmp_path / "set" / "queries.jsonl").write_text("\n".join(lines))
    judged = "query-id\tcorpus-id\tscore\n1\t1\t1\n2\t2\t1\n1\t2\t0\n"
    (tmp_path / "set" / "qrels" / "test.tsv").write_text(judged)
    found = read_judged(tmp_path, Real(["set/1", "other/2"], ["", ""], REAL), 10)
    assert found.queries == {"set/1": "text 1"}
    assert found.qrels == {"set/1": {"set/1": 1}}


def test_every_posting_is_added_up() -> None:
    found = Exhaustive(REAL).search({"2": 2.0, "0": 1.0}, ["a", "b", "c"], 2)
    assert found.ids == ("a", "b")  # 7, 2, 0


def test_kinds_take_their_turn_on_every_query_and_are_compared_in_pairs() -> None:
    asked = []

    def way(kind: str) -> Found:
        asked.append(kind)
        return Found(2.0)

    searches = {kind: lambda query, kind=kind: way(f"{kind} {query}") for kind in "ab"}
    found = list(timed(searches, ["x", "y"], 2))
    assert sorted(asked) == sorted(["a x", "b x", "a y", "b y"] * 2)
    assert {one[-1] for one in asked[:2]} == {"x"}
    first, _, third = compared(found, ["a", "b"])
    assert first.startswith("a: took p50/p95/p99 2.0/2.0/2.0 ms, wall")
    assert third.startswith("b / a, wall, medians of pairs: ")


def test_figures_say_what_is_lost_against_exact() -> None:
    found = [
        Timed("exact", "q", Found(8.0, ("a", "b")), 10.0),
        Timed("two steps", "q", Found(3.0, ("b", "c")), 5.0),
    ]
    exact, two = figures(found, {"q": {"b": 1}}, {"exact": 2.5}, (100, "1 segment"))
    assert (exact["recall@10"], two["recall@10"]) == (1.0, 0.5)
    assert exact["ndcg@10"] == pytest.approx(1 / np.log2(3))
    assert two["ndcg@10"] == pytest.approx(1.0)
    assert two["to_exact"] == [0.5, 0.5, 0.5]
    told = "\n".join(tables([exact, two]))
    assert "### 100 documents, 1 segment" in told
    assert (
        "| two steps | 3.0/3.0/3.0 | 5.0/5.0/5.0 | 0.50 [0.50, 0.50] | 0.500 | 1.0000 |  |" in told
    )
    assert told.index("two steps") < told.index("| exact |")


def test_growth_is_told_from_the_last_two_sizes_that_were_merged_by_default() -> None:
    of = {"way": "exact", "postings": 2.0}
    lines = [
        of | {"documents": 10_000, "state": "1 segment", "wall": [99.0]},
        of | {"documents": 1_000, "state": "2 segments", "wall": [1.0]},
        of | {"documents": 10_000, "state": "2 segments", "wall": [4.0]},
        of | {"documents": 100_000, "state": "2 segments", "wall": [22.0]},
        {"way": "BM25", "postings": None, "documents": 10_000, "state": "x", "wall": [1.0]},
    ]
    *_, row, _ = growth(lines, upto=200_000)
    assert row == "| exact | 5.5 | 42 | 110.0 |"  # 0.2 ms a thousand; 22 ms of 200,000 postings
