"""Sizes of pages, counted by hand."""

from splare_os.documents.page_size import MOST_BYTES, PageSize, n_bytes


def test_pages_grow_while_they_are_full_of_little():
    size, asked = PageSize(6), []
    for _ in range(5):
        asked.append(size.now)
        assert size.is_full(["a"] * size.now)
    assert asked == [1, 2, 4, 6, 6]
    assert not size.is_full(["a"] * 5)


def test_a_page_of_much_is_followed_by_a_smaller_one():
    size = PageSize(64)
    large = "a" * (MOST_BYTES // 3)
    for _ in range(4):
        size.is_full(["a"] * size.now)
    assert size.now == 16
    assert size.is_full([large] * 16)
    assert size.now == 2
    size.is_full([large * 9] * 2)
    assert size.now == 1
    assert not size.is_full([])
    assert size.now == 1


def test_less_is_asked_for_after_a_failure():
    size = PageSize(64)
    size.is_full(["a"])
    size.failed()
    size.failed()
    assert size.now == 1


def test_all_that_is_in_a_document_counts():
    assert n_bytes({"a": ["x" * 1000, {"b": "y" * 1000}], "c": None, "d": 1.5}) > 2000
