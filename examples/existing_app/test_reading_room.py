"""The reading room's own tests: they ask the loaded index at $READING_ROOM_URL."""

import re

import pytest
from opensearchpy import OpenSearch
from reading_room import FACETS, complete, connect, search


@pytest.fixture(scope="module")
def client():
    with connect() as opened:
        yield opened


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("oil embargo", "1973 oil crisis"),
        ("bubonic plague", "Black Death"),
        ("white blood cells", "Immune system"),
        ("locomotive", "Steam engine"),
    ],
)
def test_words_find_their_article(client: OpenSearch, words: str, title: str):
    page = search(client, words)
    assert page.paragraphs[0].title == title
    assert page.total >= len(page.paragraphs)


def test_facets_count_all_that_is_found(client: OpenSearch):
    page = search(client, "oil price")
    assert page.facets.keys() == FACETS.keys()
    assert sum(page.facets["lengths"].values()) == page.total
    assert sum(page.facets["articles"].values()) == page.total > 10


def test_filters_narrow_to_what_their_facet_counts(client: OpenSearch):
    page = search(client, "oil price")
    for article, count in page.facets["articles"].items():
        narrowed = search(client, "oil price", article=article)
        assert narrowed.total == count
        assert {one.title for one in narrowed.paragraphs} == {article}
    both = search(client, "oil price", article="1973 oil crisis", length="long")
    assert {(one.title, one.length) for one in both.paragraphs} == {("1973 oil crisis", "long")}


def test_pages_hold_every_paragraph_once(client: OpenSearch):
    total = search(client, "energy").total
    pages = [search(client, "energy", page=n, per_page=7) for n in range(1, total // 7 + 2)]
    ids = [one.id for page in pages for one in page.paragraphs]
    assert len(ids) == len(set(ids)) == total > 14
    assert not search(client, "energy", page=total // 7 + 2, per_page=7).paragraphs


def test_found_words_are_shown_in_bold(client: OpenSearch):
    for one in search(client, "embargo").paragraphs:
        assert re.search(r"<b>embargo\w*</b>", one.shown, re.IGNORECASE)
        assert "embargo" in one.text.lower()


def test_nothing_is_found_of_words_that_are_nowhere(client: OpenSearch):
    assert search(client, "qqqq").total == 0
    assert not search(client, "qqqq").paragraphs


def test_titles_are_completed(client: OpenSearch):
    assert complete(client, "blac de") == ["Black Death"]
    assert "Immune system" in complete(client, "immu")
