from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console
from rich.table import Table

from splare_os.evaluate import MEASURES, Comparison, Result, details, mean_results, table


def result(dataset: str, system: str, figure: float) -> Result:
    return Result(dataset, system, {}, {name: {"q": figure} for name in MEASURES})


def drawn(results: list[Result], draw: Callable[..., Table] = table) -> list[list[str]]:
    console = Console(width=150, no_color=True)
    with console.capture() as capture:
        console.print(draw(results))
    lines = capture.get().replace("┃", "│").splitlines()
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]


def test_rows_are_data_sets_and_columns_systems() -> None:
    results = [result("scifact", "bm25", 0.6789), result("scifact", "mini", 0.5)]
    assert drawn(results) == [
        ["data set", "queries", "bm25", "mini"],
        ["scifact", "1", "0.6789", "0.5000"],
    ]


def test_means_stand_below_two_data_sets_for_systems_that_have_both() -> None:
    results = [result("a", "bm25", 0.5), result("a", "mini", 0.25), result("b", "bm25", 0.75)]
    assert drawn([*results, *mean_results(results)])[1:] == [
        ["a", "1", "0.5000", "0.2500"],
        ["b", "1", "0.7500", "–"],
        ["mean", "", "0.6250", "–"],
    ]


def test_details_show_what_a_result_has() -> None:
    costs = {"query_latents": 12.25, "document_latents": 200.0, "flops": 1.234}
    searched = {"index_bytes": 3 * 2**20, "latency_p50_ms": 4.0, "latency_p95_ms": 9.5}
    versus = Comparison("bm25", 0.0123, 5, 2, 1, {})
    one = replace(result("a", "mini", 0.5), top_k=100, costs=costs | searched, versus=versus)
    assert drawn([result("a", "bm25", 0.25), one], details)[1:] == [
        ["a", "bm25", "0.2500", "0.2500", "0.2500", "–", "–", "–", "–", "–", "–"],
        [
            *("a", "mini@100", "0.5000", "0.5000", "0.5000", "12.2 / 200.0", "1.23", "3.0"),
            *("4 / 10", "0.012", "5 / 2 / 1"),
        ],
    ]


def test_details_fit_into_a_hundred_columns() -> None:
    costs = {"query_latents": 40.0, "document_latents": 200.0, "flops": 5.64}
    searched = {"index_bytes": 135_761, "latency_p50_ms": 30.0, "latency_p95_ms": 33.0}
    versus = Comparison("bm25", 0.876, 1, 1, 1, {})
    one = replace(result("products", "weighted", 0.5), costs=costs | searched, versus=versus)
    console = Console(width=100, no_color=True)
    with console.capture() as capture:
        console.print(details([one]))
    text = capture.get()
    assert "…" not in text
    assert "recall@1000" in text
    assert "1 / 1 / 1" in text


def test_a_measure_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="measure='map': choose one of ndcg@10, mrr@10"):
        table([], measure="map")
