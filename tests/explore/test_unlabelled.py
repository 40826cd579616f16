"""The page in a real browser where no latent has a label yet."""

import re
from collections.abc import Iterator

import pytest
from opensearchpy import OpenSearch

from splare_os.index import IngestOptions

from .browsing import explorer_of, needs_browser, sync_api, watched

pytestmark = [pytest.mark.opensearch, pytest.mark.slow, needs_browser]

NUMBER = re.compile(r"#\d+")


@pytest.fixture(scope="module")
def unlabelled(
    noting_client: OpenSearch, cluster_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The explorer of two documents."""
    texts = ("fleas on rats spread the plague", "rats spread by ship")
    documents = [{"_id": str(n), "text": text} for n, text in enumerate(texts)]
    folder, options = tmp_path_factory.mktemp("unlabelled"), IngestOptions(index="unlabelled")
    with explorer_of(documents, noting_client, cluster_url, folder, options) as address:
        yield address


def test_latents_are_told_apart_by_number(browser: "sync_api.Browser", unlabelled: str) -> None:
    with watched(browser, unlabelled) as one:
        page = one.open("/?q=fleas+on+rats")
        for part in ("#sliders .latent", '[data-system="latents"] .hit:first-child .chip'):
            told = page.locator(part).all_inner_texts()
            numbers = [NUMBER.findall(text) for text in told]
            assert len(told) >= 2
            assert all(len(found) == 1 for found in numbers)
            assert len({found[0] for found in numbers}) == len(told)
        assert page.locator("#unnamed").is_visible()


def test_the_bars_of_a_comparison_say_whose_they_are(
    browser: "sync_api.Browser", unlabelled: str
) -> None:
    with watched(browser, unlabelled) as one:
        page = one.open("/?view=compare&a=fleas+on+rats&b=rats+on+ships")
        page.locator("#compared .hit").first.wait_for()
        shared = page.get_by_label("In both").locator("li").first
        assert shared.locator(".side span").all_inner_texts() == ["A", "B"]


def test_what_a_list_of_a_comparison_leaves_out_is_told(
    browser: "sync_api.Browser", unlabelled: str
) -> None:
    many = "+".join(f"word{at}" for at in range(25))
    with watched(browser, unlabelled) as one:
        page = one.open(f"/?view=compare&a={many}&b=rats")
        page.locator("#compared .hit").first.wait_for(state="attached")
        told = page.get_by_label("Only in A").inner_text()
        assert "Only in A (25)" in told
        assert "and 5 lighter ones" in told


def test_shares_of_a_hit_are_bars_of_one_width(
    browser: "sync_api.Browser", unlabelled: str
) -> None:
    with watched(browser, unlabelled) as one:
        page = one.open("/?q=fleas+on+rats")
        chips = page.locator('[data-system="latents"] .hit:first-child .chip').all()
        boxes = [chip.bounding_box() for chip in chips]
        assert len({box["width"] for box in boxes if box}) == 1
