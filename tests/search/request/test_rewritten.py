import pytest

from splare_os.search.request.rewritten import Expected, Rewritten

OURS = Expected(frozenset({"a", "b"}))
MISSING = Expected(None)


def hits(*indices: str) -> dict[str, object]:
    return {"hits": {"hits": [{"_index": name, "_id": "1"} for name in indices]}}


@pytest.mark.parametrize(
    ("expected", "reply", "fits"),
    [
        (OURS, hits(), True),
        (OURS, hits("a", "b", "a"), True),
        (OURS, hits("a", "c"), False),
        (OURS, {"_index": "a", "matched": True}, True),
        (OURS, {"_index": "c", "matched": True}, False),
        (OURS, {"hits": {"hits": [{"_id": "1"}]}}, True),  # by filter_path
        (OURS, {"hits": {"total": 3}}, True),
        (OURS, {"count": 3}, True),
        (OURS, {"error": {}, "status": 404}, True),
        (OURS, {"error": {"type": "index_not_found_exception"}, "status": 404}, False),
        (OURS, "text", True),
        (MISSING, {"error": {}, "status": 404}, True),
        (MISSING, hits(), True),  # by filter_path
        (MISSING, hits() | {"_shards": {"total": 0}}, True),
        (MISSING, hits() | {"_shards": {"total": 1}}, False),
    ],
)
def test_hits_are_of_the_indices_that_were_looked_at(expected, reply, fits):
    assert Rewritten(None, None, [expected]).fits(reply) is fits


def test_each_search_of_several_has_its_own():
    replies = {"responses": [hits("a"), hits("x"), hits("c")]}
    assert Rewritten(None, "", [OURS, None, Expected(frozenset("c"))]).fits(replies)
    assert not Rewritten(None, "", [OURS, None, OURS]).fits(replies)


def test_where_nothing_is_expected_everything_fits():
    assert Rewritten(None, None).fits(hits("c"))
    assert Rewritten(None, None).fits(None)
