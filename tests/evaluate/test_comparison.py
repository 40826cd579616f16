import pytest
from scipy import stats

from splare_os.evaluate.comparison import Comparison, compare, p_value


def by_query(*values: float) -> dict[str, float]:
    return {f"q{number}": value for number, value in enumerate(values)}


def test_the_test_is_the_paired_one_of_scipy() -> None:
    ours, theirs = by_query(0.5, 0.25, 1.0, 0.5), by_query(0.25, 0.5, 0.25, 0.5)
    found = compare("bm25", {"ndcg@10": theirs}, {"ndcg@10": ours})
    expected = stats.ttest_rel(list(ours.values()), list(theirs.values())).pvalue
    assert found.p_value == pytest.approx(float(expected), rel=1e-12)
    differences = {"ndcg@10": by_query(0.25, -0.25, 0.75, 0.0)}
    assert found == Comparison("bm25", found.p_value, 2, 1, 1, differences)


def test_differences_that_say_nothing_or_everything() -> None:
    assert p_value(by_query(0.5)) is None
    assert p_value(by_query(0.0, 1e-12)) == 1.0
    assert p_value(by_query(0.5, 0.5)) == 0.0
