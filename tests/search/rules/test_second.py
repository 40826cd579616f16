import pytest

from splare_os.search.rules.second import fused_hits


def hits(names: str) -> list[dict]:
    return [{"_index": "i", "_id": name, "_score": 9.0} for name in names]


def ids(found: list[dict]) -> str:
    return "".join(hit["_id"] for hit in found)


def test_scores_are_sums_of_reciprocal_ranks():
    found = fused_hits(hits("ab"), hits("bc"), window=10, k=1)
    assert [(hit["_id"], hit["_score"]) for hit in found] == [
        ("b", pytest.approx(1 / 3 + 1 / 2)),
        ("a", pytest.approx(1 / 2)),
        ("c", pytest.approx(1 / 3)),
    ]


def test_equal_scores_keep_the_applications_order_first():
    assert ids(fused_hits(hits("ab"), hits("xy"), window=10)) == "axby"
    assert ids(fused_hits(hits("ab"), hits("ba"), window=10)) == "ab"


def test_a_weight_lifts_what_splare_finds():
    assert ids(fused_hits(hits("ab"), hits("xy"), window=10, weight=2.0)) == "xyab"


def test_what_comes_after_the_window_keeps_its_order_and_comes_once():
    found = fused_hits(hits("abcde"), hits("xd"), window=2)
    assert ids(found) == "axbdce"
    scores = [hit["_score"] for hit in found]
    assert scores == sorted(scores, reverse=True)
    for depth in (2, 3, 4):  # a page is a part of the same list, however deep was read
        assert ids(fused_hits(hits("abcde"[:depth]), hits("xd"), window=2))[:4] == "axbd"


def test_a_hit_that_both_have_is_the_applications_own_wherever_it_stands():
    theirs = [{**hit, "matched_queries": ["own"]} for hit in hits("abc")]
    found = fused_hits(theirs, hits("xc"), window=1)
    assert {hit["_id"]: "matched_queries" in hit for hit in found} == {
        "a": True, "x": False, "b": True, "c": True
    }  # fmt: skip


def test_documents_of_the_same_id_in_two_indices_are_two():
    other = [{"_index": "j", "_id": "a", "_score": 1.0}]
    assert len(fused_hits(hits("a"), other, window=5)) == 2


def test_one_side_may_be_empty():
    assert ids(fused_hits([], hits("xy"), window=5)) == "xy"
    assert ids(fused_hits(hits("abc"), [], window=2)) == "abc"
    assert fused_hits([], [], window=5) == []
