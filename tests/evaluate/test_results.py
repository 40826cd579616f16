from dataclasses import replace

from splare_os.evaluate import MEASURES, MISSING, Comparison, Result, mean_results


def result(dataset: str, system: str, figure: float, top_k: int | None = None) -> Result:
    figures = {name: {"q": figure, "r": 0.0} for name in MEASURES}
    return Result(dataset, system, {"q": {}}, figures, top_k, {"flops": figure, "index_bytes": 7})


def test_a_line_holds_what_a_result_has() -> None:
    versus = Comparison("bm25", 0.012345678, 5, 2, 1, {})
    one = Result("a", "mini", {}, {"ndcg@10": {"q": 1 / 3}}, 100, {"flops": 1 / 3}, versus)
    assert one.to_json() == {
        "dataset": "a",
        "system": "mini",
        "top_k": 100,
        "ndcg@10": 0.3333,
        "queries": 1,
        "flops": 0.3333,
        "baseline": "bm25",
        "p_value": 0.012345678,
        "wins": 5,
        "ties": 2,
        "losses": 1,
    }
    assert replace(one, analyzer="german").to_json()["analyzer"] == "german"


def test_means_are_over_data_sets_not_queries() -> None:
    results = [result("a", "mini", 1.0, 50), result("b", "mini", 0.5, 50)]
    found = mean_results([*results, result("a", "mini", 0.0, 25)])
    assert [one.to_json() for one in found] == [
        {"dataset": "mean", "system": "mini", "top_k": 50}
        | dict.fromkeys(MEASURES, 0.375)
        | {"datasets": 2, "flops": 0.75, "index_bytes": 7}
    ]
    assert mean_results(results[:1]) == []


def test_missing_documents_are_added_up_though_one_data_set_has_all() -> None:
    whole, incomplete = result("a", "mini", 1.0), result("b", "mini", 0.5)
    incomplete.costs[MISSING] = 3
    (mean,) = mean_results([whole, incomplete])
    assert mean.costs[MISSING] == 3
