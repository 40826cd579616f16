import pytest
from rich.console import Console

from splare_os.evaluate import MEASURES, Result, table


def result(dataset: str, system: str, figure: float) -> Result:
    return Result(dataset, system, {}, {name: {"q": figure} for name in MEASURES})


def drawn(results: list[Result]) -> list[list[str]]:
    console = Console(width=100, no_color=True)
    with console.capture() as capture:
        console.print(table(results))
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
    assert drawn(results)[1:] == [
        ["a", "1", "0.5000", "0.2500"],
        ["b", "1", "0.7500", "–"],
        ["mean", "", "0.6250", "–"],
    ]


def test_a_measure_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="measure='map': choose one of ndcg@10, mrr@10"):
        table([], measure="map")
