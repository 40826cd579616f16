import pytest

from splare_os.evaluate.runs import cut, fuse, ranked, without_own


def test_equal_scores_are_ranked_by_id() -> None:
    assert ranked({"d2": 1.0, "d10": 1.0, "d1": 0.5, "d3": 2.0}) == ["d3", "d10", "d2", "d1"]
    assert list(cut({"b": 1.0, "a": 1.0}, 1)) == ["a"]


def test_fusion_adds_reciprocal_ranks() -> None:
    lexical = {"q": {"a": 12.0, "b": 11.0, "c": 3.0}}
    latent = {"q": {"c": 0.9, "a": 0.8}}
    fused = fuse([lexical, latent])["q"]
    assert list(fused) == ["a", "c", "b"]
    assert fused == pytest.approx(
        {"a": 1 / 61 + 1 / 62, "c": 1 / 63 + 1 / 61, "b": 1 / 62}, rel=1e-12
    )


def test_fusion_looks_no_deeper_than_depth_and_keeps_no_more() -> None:
    one, two = {"q": {"a": 2.0, "b": 1.0}}, {"q": {"c": 2.0, "b": 1.0}}
    assert fuse([one, two], depth=1) == {"q": {"a": 1 / 61}}


def test_a_query_that_one_run_lacks_is_fused_all_the_same() -> None:
    assert fuse([{"q": {"a": 1.0}}, {"r": {"b": 1.0}}]) == {"q": {"a": 1 / 61}, "r": {"b": 1 / 61}}


def test_only_a_document_that_is_its_query_is_left_out() -> None:
    run = {"1": {"1": 9.0, "2": 5.0}, "2": {"2": 9.0, "1": 5.0}}
    assert without_own(run, frozenset({"1"})) == {"1": {"2": 5.0}, "2": {"2": 9.0, "1": 5.0}}
