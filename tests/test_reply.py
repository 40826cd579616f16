import pytest
from opensearchpy import NotFoundError

from splare_os.errors import ReplyError
from splare_os.reply import (
    NO_INDEX,
    named_parts,
    number,
    part,
    parts,
    replies_of,
    require_no_index,
    require_whole,
    rows,
)


def test_a_part_is_what_stands_at_its_path():
    assert part({"a": {"b": None}}, "a", "b") is None


@pytest.mark.parametrize("reply", ["<html>", None, [], {}, {"a": 1}, {"a": {}}])
def test_a_part_that_is_missing_is_told_with_the_reply(reply):
    with pytest.raises(ReplyError, match=r"no a\.b: .*a proxy between"):
        part(reply, "a", "b")


@pytest.mark.parametrize(
    ("kind", "found"),
    [(int, None), (int, True), (int, "3"), (float, None), (float, False), (str, 3), (dict, [])],
)
def test_a_part_of_another_kind_is_told(kind, found):
    with pytest.raises(ReplyError, match=rf"as its a\.b, which is no {kind.__name__}\. Is there"):
        part({"a": {"b": found}}, "a", "b", kind=kind)


def test_a_whole_number_is_one_too():
    assert part({"a": 3}, "a", kind=float) == 3


@pytest.mark.parametrize("found", [None, {}, "x", [None], ["x"], [{}, []]])
def test_rows_that_are_no_objects_are_told(found):
    with pytest.raises(ReplyError, match="as its hits, which"):
        rows({"hits": found}, "hits")


@pytest.mark.parametrize(
    "found", [None, {}, [], [{"took": 1}], [{"took": 1}, "no"], [{"took": 1}] * 3]
)
def test_searches_that_are_not_answered_one_by_one_are_told(found):
    with pytest.raises(ReplyError, match="2 searches were sent, .* a proxy between"):
        replies_of({"responses": found}, 2)
    with pytest.raises(ReplyError, match="no responses: .*a proxy between"):
        replies_of("<html>", 2)


@pytest.mark.parametrize("found", [None, 2, "", "two", "-1", ["2"]])
def test_a_setting_that_is_no_number_is_told(found):
    with pytest.raises(ReplyError, match="as its i.shards, which is no .* a proxy between"):
        number({"i": {"shards": found}}, "i", "shards")


def test_a_long_reply_is_cut():
    with pytest.raises(ReplyError) as caught:
        part("x" * 10_000, "a")
    assert len(str(caught.value)) < 400


def test_parts_are_under_each_name():
    assert parts({"i": {"a": {}}, "j": {"a": {"b": 2}}}, "a") == {"i": {}, "j": {"b": 2}}


@pytest.mark.parametrize("reply", ["<html>", {"i": {}}, {"error": "no"}, {"i": {"a": None}}])
def test_parts_of_something_else_are_refused(reply):
    with pytest.raises(ReplyError):
        parts(reply, "a")


def test_a_reply_about_a_name_is_never_empty():
    assert named_parts({"i": {"a": {}}}, "a") == {"i": {}}
    with pytest.raises(ReplyError):
        named_parts({}, "a")


def test_a_gateways_404_is_no_answer():
    require_no_index(NotFoundError(404, NO_INDEX, {}))
    with pytest.raises(ReplyError, match="not for want of an index"):
        require_no_index(NotFoundError(404, "no such page", {}))


@pytest.mark.parametrize(
    "told",
    [
        {"_shards": {"total": 2, "successful": 1}, "timed_out": False},
        {"_shards": {"total": 1, "successful": 1}, "timed_out": True},
    ],
)
def test_a_reply_of_some_shards_is_refused(told):
    with pytest.raises(ReplyError, match="'papers': not all of its shards answer"):
        require_whole(told, "papers")
