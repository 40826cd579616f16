from math import log2

import pytest

from splare_os.evaluate.datasets import Qrels
from splare_os.evaluate.measures import MEASURES, means, measure


def test_figures_are_those_counted_by_hand() -> None:
    qrels = {"q": {"a": 2, "b": 1, "c": 0}}
    run = {"q": {"c": 9.0, "b": 8.0, "x": 7.0, "a": 6.0}}
    found = measure(qrels, run)
    gained, ideal = 1 / log2(3) + 2 / log2(5), 2 + 1 / log2(3)
    assert found["ndcg@10"]["q"] == pytest.approx(gained / ideal)  # gains are linear
    assert found["mrr@10"]["q"] == 0.5
    assert found["recall@100"]["q"] == 1.0


def test_a_negative_grade_counts_as_zero() -> None:
    run = {"q": {"a": 2.0, "b": 1.0}}
    assert measure({"q": {"a": -1, "b": 1}}, run) == measure({"q": {"a": 0, "b": 1}}, run)


def test_all_measures_break_ties_by_id() -> None:
    found = measure({"q": {"b": 1}}, {"q": {"c": 1.0, "b": 1.0, "a": 1.0}})
    assert found["mrr@10"]["q"] == 0.5
    assert found["ndcg@10"]["q"] == pytest.approx(1 / log2(3))


def test_the_eleventh_hit_is_no_hit_at_ten() -> None:
    run = {"q": {f"d{rank:02}": float(-rank) for rank in range(1, 12)}}
    found = measure({"q": {"d11": 1}}, run)
    assert (found["ndcg@10"]["q"], found["mrr@10"]["q"], found["recall@100"]["q"]) == (0, 0, 1)


@pytest.mark.parametrize("run", [{"q": {"a": 1.0}}, {"q": {"a": 1.0}, "r": {}}])
def test_a_query_without_hits_counts_as_zero(run: dict[str, dict[str, float]]) -> None:
    found = measure({"q": {"a": 1}, "r": {"b": 1}}, run)
    assert means(found) == dict.fromkeys(MEASURES, 0.5)


def test_the_hundred_and_first_hit_is_no_hit_at_a_hundred() -> None:
    run = {"q": {f"d{rank:03}": float(-rank) for rank in range(1, 102)}}
    found = measure({"q": {"d101": 1}}, run)
    assert (found["recall@100"]["q"], found["recall@1000"]["q"]) == (0, 1)


def test_unjudged_queries_do_not_count() -> None:
    assert measure({"q": {"a": 1}}, {"q": {"a": 1.0}, "z": {"a": 1.0}})["mrr@10"] == {"q": 1.0}


def test_trec_eval_sees_no_grade_below_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Qrels] = []  # it would write beside its tables, and crash at some time
    monkeypatch.setattr("ir_measures.iter_calc", lambda _, qrels, __: seen.append(qrels) or [])
    measure({"q": {"a": -7, "b": 1}}, {"q": {"a": 2.0}})
    assert seen == [{"q": {"a": 0, "b": 1}}]
