"""The page in a real browser where it asks for a token, as it does where others reach it."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from opensearchpy import OpenSearch

from splare_os.index import IngestOptions

from .browsing import Watched, explorer_of, needs_browser, sync_api, watched

pytestmark = [pytest.mark.opensearch, pytest.mark.slow, needs_browser]

TOKEN = "a+b/c=="  # noqa: S105  # as base64 is
DOCUMENTS = [{"_id": "oil", "title": "Oil", "text": "the embargo made oil dear"}]


@pytest.fixture(scope="module")
def url(
    noting_client: OpenSearch, cluster_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The explorer of a document, that asks for a token."""
    folder, options = tmp_path_factory.mktemp("token"), IngestOptions(index="token")
    seen = {"host": "0.0.0.0", "token": TOKEN}
    with explorer_of(DOCUMENTS, noting_client, cluster_url, folder, options, **seen) as address:
        yield address


def is_in(one: Watched) -> None:
    """Wait until the page may ask; the browser has told of each 401."""
    one.wait_until(lambda: "1 documents" in one.page.locator("#about").inner_text())
    assert not one.page.locator("#token-dialog").is_visible()
    assert all("401" in complaint for complaint in one.complaints)
    one.complaints.clear()


def give(one: Watched, token: str) -> None:
    one.page.locator("#token").fill(token)
    one.page.keyboard.press("Enter")


def test_a_token_is_asked_for_once_and_kept_for_the_tab(
    browser: "sync_api.Browser", url: str
) -> None:
    with watched(browser, url) as one:
        one.page.goto(f"{url}/?q=oil&doc=oil")
        give(one, "wrong")
        give(one, TOKEN)
        is_in(one)
        assert "embargo" in one.read()
        one.page.reload()
        one.page.locator("#reader[open]").wait_for()
        assert TOKEN not in one.page.content()


def test_a_token_in_the_address_is_taken_out_of_it(browser: "sync_api.Browser", url: str) -> None:
    for written in (TOKEN, quote(TOKEN, safe="")):
        with watched(browser, url) as one:
            one.page.goto(f"{url}/?q=oil#token={written}")
            is_in(one)
            assert one.page.url == f"{url}/?q=oil"


def test_a_page_that_asks_takes_a_token_that_is_put_into_its_address(
    browser: "sync_api.Browser", url: str
) -> None:
    with watched(browser, url) as one:
        one.page.goto(f"{url}/?q=oil")
        one.page.locator("#token-dialog[open]").wait_for()
        one.page.goto(f"{url}/?q=oil#token={TOKEN}")  # the same page: it is not loaded anew
        is_in(one)
        one.page.locator(".why .chips").first.wait_for()
        assert one.page.url == f"{url}/?q=oil"


def test_all_that_wait_for_a_token_go_on_with_it(browser: "sync_api.Browser", url: str) -> None:
    with watched(browser, url) as one:
        one.page.goto(f"{url}/?q=oil&doc=oil")
        one.page.locator("#token-dialog[open]").wait_for()
        one.page.keyboard.press("Escape")  # now hits and document ask, at once
        one.page.locator("#token-dialog[open]").wait_for()
        give(one, TOKEN)
        one.page.locator("#reader[open]").wait_for()
        one.page.locator(".why .chips").first.wait_for(state="attached")
        assert all("401" in complaint for complaint in one.complaints)
        one.complaints.clear()


def test_a_token_that_no_request_can_hold_is_asked_for_again(
    browser: "sync_api.Browser", url: str
) -> None:
    with watched(browser, url) as one:
        one.page.goto(url)
        give(one, "\u201c" + TOKEN)  # as copied from a page with fine quotes
        give(one, TOKEN)
        is_in(one)
