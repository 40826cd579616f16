import json
from dataclasses import replace
from pathlib import Path

import ir_measures

from splare_os.evaluate import Comparison, Result, mean_results
from splare_os.evaluate.export import query_lines, save_run, saved
from splare_os.evaluate.measures import measure

RESULT = Result(
    "ntrex/de",
    "mini",
    {"q1": {"b": 0.1, "a": 2.0, "c": 0.1}, "q2": {}},
    {"ndcg@10": {"q1": 0.5, "q2": 0.0}},
    top_k=100,
)


def test_a_run_file_has_six_columns_and_ranks_from_one(tmp_path: Path) -> None:
    path = save_run(RESULT, tmp_path / "runs")
    assert path.name == "ntrex-de.mini@100.trec"
    assert path.read_text() == (
        "q1 Q0 a 1 2.0 mini@100\n"
        "q1 Q0 b 2 0.10000000149011612 mini@100\n"
        "q1 Q0 c 3 0.09999999403953552 mini@100\n"
    )


def test_each_query_has_a_line_with_its_difference() -> None:
    assert list(query_lines(RESULT)) == [
        {"dataset": "ntrex/de", "system": "mini", "top_k": 100, "query": "q1", "ndcg@10": 0.5},
        {"dataset": "ntrex/de", "system": "mini", "top_k": 100, "query": "q2", "ndcg@10": 0.0},
    ]
    versus = Comparison("bm25", None, 0, 1, 1, {"ndcg@10": {"q1": -0.5, "q2": 0.0}})
    first, _ = query_lines(replace(RESULT, versus=versus))
    assert (first["baseline"], first["ndcg@10 difference"]) == ("bm25", -0.5)


def test_files_are_written_anew_and_hold_no_means(tmp_path: Path) -> None:
    path = tmp_path / "queries.jsonl"
    path.write_text("old\n")
    results = [RESULT, replace(RESULT, dataset="b")]
    results += mean_results(results)
    assert list(saved(results, tmp_path / "runs", path)) == results
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["dataset"] for line in lines] == ["ntrex/de"] * 2 + ["b"] * 2
    assert sorted(file.name for file in (tmp_path / "runs").iterdir()) == [
        "b.mini@100.trec",
        "ntrex-de.mini@100.trec",
    ]


def test_a_run_file_has_the_figures_of_its_result(tmp_path: Path) -> None:
    qrels = {"q": {"a": 1}, "r": {"d": 1}}
    run = {"q": {"b": 1.0, "a": 1.0, "c": 1.0}, "r": {"e": 3.0, "d": 1 / 3}}
    path = save_run(Result("tied", "mini", run, measure(qrels, run)), tmp_path)
    judged = ir_measures.iter_calc(
        [ir_measures.nDCG @ 10], qrels, ir_measures.read_trec_run(str(path))
    )
    assert {one.query_id: one.value for one in judged} == measure(qrels, run)["ndcg@10"]
