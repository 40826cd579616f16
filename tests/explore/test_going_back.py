"""The page in a real browser when people go on faster than the server, back, or without it."""

from collections.abc import Iterator

import pytest
from opensearchpy import OpenSearch

from splare_os.index import IngestOptions

from .browsing import explorer_of, needs_browser, sync_api, watched

pytestmark = [pytest.mark.opensearch, pytest.mark.slow, needs_browser]

DOCUMENTS = [
    {"_id": "oil", "title": "Oil", "text": "the embargo made oil dear"},
    {"_id": "river", "title": "Rivers", "text": "a river carries water and some carry oil"},
    {"_id": "bread", "title": "Bread", "text": "dough rises as yeast makes gas"},
]
QUERY = "/?q=oil+embargo"


@pytest.fixture(scope="module")
def url(
    noting_client: OpenSearch, cluster_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The explorer of three documents, by words as latents."""
    folder, options = tmp_path_factory.mktemp("back"), IngestOptions(index="back")
    with explorer_of(DOCUMENTS, noting_client, cluster_url, folder, options) as address:
        yield address


def test_a_slider_that_was_moved_is_one_step_back(browser: "sync_api.Browser", url: str) -> None:
    with watched(browser, url) as one:
        page = one.open(QUERY)
        slider, told = page.locator("#sliders input").first, page.locator("#sliders output").first
        slider.focus()
        for _ in range(4):
            page.keyboard.press("ArrowRight")
        one.wait_until(lambda: told.inner_text() == "×2")
        one.explained()
        page.go_back()
        one.wait_until(lambda: told.inner_text() == "×1")
        assert page.url.endswith(QUERY)
        assert slider.input_value() == "1"  # though it has the focus still
        assert page.locator("#query").input_value() == "oil embargo"


def test_the_same_question_again_is_no_step(browser: "sync_api.Browser", url: str) -> None:
    with watched(browser, url) as one:
        page = one.open("/")
        page.locator("#query").fill("oil")
        for _ in range(3):
            page.get_by_role("button", name="Search").last.click()
            one.explained()
        page.go_back()
        page.locator("#intro").wait_for()


def test_a_card_that_comes_after_somebody_went_back_stays_shut(
    browser: "sync_api.Browser", url: str
) -> None:
    with watched(browser, url) as one:
        page = one.open(QUERY)
        waiting = one.held("**/api/latent")
        page.locator(".chip").first.click()
        one.wait_until(lambda: bool(waiting))
        page.go_back()
        one.wait_until(lambda: "latent=" not in page.url)
        with page.expect_response("**/api/latent"):
            waiting[0].continue_()
        page.wait_for_timeout(300)
        assert not page.locator("#card").is_visible()


@pytest.mark.parametrize(
    ("route", "path", "body", "told"),
    [
        ("about", "/", '{"error": "OpenSearch: refused", "error_type": "Backend"}', "refused"),
        ("search", QUERY, "<h1>Bad gateway</h1>", "status 502 is not the explorer's server"),
    ],
)
def test_what_fails_is_told_in_the_page(
    browser: "sync_api.Browser", url: str, route: str, path: str, body: str, told: str
) -> None:
    with watched(browser, url) as one:
        one.page.route(f"**/api/{route}", lambda it: it.fulfill(status=502, body=body))
        one.page.goto(url + path)
        problem = one.page.locator("#problem")
        problem.wait_for()
        assert told in problem.inner_text()
        one.complaints.clear()  # the browser tells of the 502


def test_hits_of_an_earlier_question_do_not_stand_under_one_that_failed(
    browser: "sync_api.Browser", url: str
) -> None:
    with watched(browser, url) as one:
        page = one.open(QUERY)
        page.route("**/api/search", lambda it: it.fulfill(status=502, body='{"error": "gone"}'))
        page.locator("#query").fill("dough")
        page.keyboard.press("Enter")
        page.locator("#problem").wait_for()
        assert page.locator(".hit").count() == 0
        page.unroute("**/api/search")
        page.get_by_role("button", name="Search").last.click()  # it is well again
        one.explained()
        assert one.ids() == ["bread"]
        assert not page.locator("#problem").is_visible()
        one.complaints.clear()  # the browser tells of the 502


def test_a_document_that_cannot_be_read_is_told_beside_a_comparison(
    browser: "sync_api.Browser", url: str
) -> None:
    with watched(browser, url) as one:
        page = one.open("/?view=compare&kind=documents&a=oil&b=river")
        page.get_by_role("button", name="Read A").wait_for()
        page.route("**/api/document", lambda it: it.fulfill(status=502, body='{"error": "gone"}'))
        page.get_by_role("button", name="Read A").click()
        problem = page.locator("#compare-problem")
        problem.wait_for()
        assert problem.inner_text() == "gone"
        one.complaints.clear()  # the browser tells of the 502


def test_back_from_a_comparison_nothing_is_told_of_it(
    browser: "sync_api.Browser", url: str
) -> None:
    with watched(browser, url) as one:
        page = one.open("/?view=compare")
        page.get_by_label("A", exact=True).fill("oil")
        page.get_by_label("B", exact=True).fill("river")
        page.locator("#compare-form button").click()
        page.locator("#compared .hit").first.wait_for()
        page.go_back()
        one.wait_until(lambda: page.locator("#compared .hit").count() == 0)
        assert page.locator("#compare-status").inner_text() == ""


def test_copying_twice_leaves_the_button_as_it_was(browser: "sync_api.Browser", url: str) -> None:
    with watched(browser, url) as one:
        page = one.open(QUERY)
        button = page.locator("#copy-link")
        button.click()
        one.wait_until(lambda: button.inner_text() != "Copy link")
        button.click()
        page.wait_for_timeout(2500)
        assert button.inner_text() == "Copy link"


def test_a_drag_asks_no_faster_than_the_server_answers(
    browser: "sync_api.Browser", url: str
) -> None:
    with watched(browser, url) as one:
        page = one.open(QUERY)
        waiting = one.held("**/api/search")
        page.locator("#sliders input").first.focus()
        for _ in range(4):
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(150)
        assert len(waiting) == 1
        waiting[0].continue_()
        one.wait_until(lambda: len(waiting) == 2)  # of all that came meanwhile, the last
        assert "=2" in str(waiting[1].request.post_data_json["steer"])
        waiting[1].continue_()
        one.explained()
        assert len(waiting) == 2
