import pytest

from splare_os.evaluate.runs import cut, fuse_runs, ranked, without_own
from splare_os.search.fusion.fusion import Fusion


def test_equal_scores_are_ranked_by_id() -> None:
    assert ranked({"d2": 1.0, "d10": 1.0, "d1": 0.5, "d3": 2.0}) == ["d3", "d10", "d2", "d1"]
    assert list(cut({"b": 1.0, "a": 1.0}, 1)) == ["a"]


def test_fusion_looks_no_deeper_than_depth_and_keeps_no_more() -> None:
    one, two = {"q": {"a": 2.0, "b": 1.0}}, {"q": {"c": 2.0, "b": 1.0}}
    assert list(fuse_runs([one, two], Fusion(depth=1))["q"]) == ["a"]  # a and c tie: by id


def test_a_query_that_one_run_lacks_is_fused_all_the_same() -> None:
    both = fuse_runs([{"q": {"a": 1.0}}, {"r": {"b": 1.0}}])
    assert both == {"q": {"a": pytest.approx(1 / 61)}, "r": {"b": pytest.approx(1 / 61)}}


def test_runs_are_ranked_before_they_are_fused() -> None:
    fused = fuse_runs([{"q": {"b": 1.0, "a": 2.0}}, {"q": {"b": 1.0, "c": 3.0}}])["q"]
    assert fused == pytest.approx({"b": 2 / 62, "a": 1 / 61, "c": 1 / 61})


def test_only_a_document_that_is_its_query_is_left_out() -> None:
    run = {"1": {"1": 9.0, "2": 5.0}, "2": {"2": 9.0, "1": 5.0}}
    assert without_own(run, frozenset({"1"})) == {"1": {"2": 5.0}, "2": {"2": 9.0, "1": 5.0}}
