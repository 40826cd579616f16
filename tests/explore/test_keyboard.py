"""The page in a real browser by keys alone, with other colours, in a narrow window, when slow."""

from collections.abc import Iterator

import pytest
from opensearchpy import OpenSearch

from splare_os.index import IngestOptions

from .browsing import Watched, explorer_of, needs_browser, sync_api, watched

pytestmark = [pytest.mark.opensearch, pytest.mark.slow, needs_browser]

DOCUMENTS = [
    {"_id": "oil", "title": "Oil", "text": "the embargo made oil dear"},
    {"_id": "ships", "title": "Ships", "text": "ships carry oil past the embargo"},
    {"_id": "river", "title": "Rivers", "text": "a river carries water and some carry oil"},
    {"_id": "long", "title": "Long", "text": "water " * 7000},
    *({"_id": f"tax{n}", "text": "tax and tariff and duty"} for n in range(4)),
]
QUERY = "/?q=oil+embargo"


@pytest.fixture(scope="module")
def url(
    noting_client: OpenSearch, cluster_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The explorer of a few documents, by words as latents."""
    folder, options = tmp_path_factory.mktemp("keys"), IngestOptions(index="keys")
    with explorer_of(DOCUMENTS, noting_client, cluster_url, folder, options) as address:
        yield address


def focused(one: Watched, what: str = "textContent") -> str:
    return str(one.page.evaluate(f"document.activeElement.{what}") or "")


def press(one: Watched, button: "sync_api.Locator") -> None:
    """Press a button by its key, and wait for what that finds."""
    button.focus()
    with one.page.expect_response("**/api/search"):
        one.page.keyboard.press("Enter")
    one.explained()


def test_the_focus_stays_where_it_was_when_hits_are_drawn_anew(
    browser: "sync_api.Browser", url: str
) -> None:
    with watched(browser, url) as one:
        page = one.open(QUERY)
        column = page.locator('[data-system="latents"]')
        press(one, column.get_by_role("button", name="Less like this: Rivers"))
        assert focused(one, "ariaLabel") == "Less like this: Rivers"
        press(one, column.get_by_role("button", name="More like this: Oil"))
        assert "oil" not in one.ids()  # what is liked is no hit itself
        assert focused(one, "ariaLabel") == "Hits by Latents"
        press(one, page.get_by_role("button", name="Remove: less like Rivers"))
        assert focused(one, "ariaLabel") == "Remove: more like Oil"
        press(one, page.get_by_role("button", name="Remove: more like Oil"))
        assert focused(one, "id") == "query"


def test_no_letter_alone_is_a_shortcut(browser: "sync_api.Browser", url: str) -> None:
    with watched(browser, url) as one:
        page = one.open(QUERY)
        for state, field in ((QUERY, "query"), ("/?view=compare", "side-a")):
            page = one.open(state)
            page.locator(f"#{field}").wait_for()
            page.keyboard.press("/")
            assert focused(one, "tagName") == "BODY"  # whoever speaks types letters
            page.keyboard.press("Control+k")
            assert focused(one, "id") == field


def test_reasons_that_come_later_leave_the_focus_where_it_is(
    browser: "sync_api.Browser", url: str
) -> None:
    with watched(browser, url) as one:
        held: list[sync_api.Route] = []

        def hold(route: "sync_api.Route") -> None:
            asked = route.request.post_data_json or {}
            held.append(route) if asked["places"] else route.continue_()

        one.page.route("**/api/explain", hold)
        one.page.goto(url + QUERY)
        chip = one.page.locator('[data-system="latents"] .chip').first
        chip.wait_for()
        column = one.page.locator('[data-system="latents"] .hit').first
        assert column.locator("mark").count() == 0  # shares come first
        chip.focus()
        before = focused(one, "dataset.key")
        one.wait_until(lambda: bool(held))
        held[0].continue_()
        column.locator("mark").first.wait_for()
        assert focused(one, "dataset.key") == before


def test_a_card_that_steers_leads_back_to_its_hit(browser: "sync_api.Browser", url: str) -> None:
    with watched(browser, url) as one:
        page = one.open(QUERY)
        page.locator('[data-system="latents"] .chip').first.focus()
        page.keyboard.press("Enter")
        press(one, page.get_by_role("button", name="Boost ×2"))
        assert focused(one, "className") == "title"
        assert page.locator("#steered li").count() == 1


def test_the_focus_stays_in_a_sheet_that_is_filled_anew(
    browser: "sync_api.Browser", url: str
) -> None:
    with watched(browser, url) as one:
        page = one.open("/?doc=long")
        more = page.get_by_role("button", name="Read on")
        more.focus()
        page.keyboard.press("Enter")
        one.wait_until(lambda: len(one.read()) == 40_000)
        assert focused(one) == "Read on"
        page.keyboard.press("Enter")
        one.wait_until(lambda: len(one.read()) > 40_000)
        assert focused(one, "className") == "reading"
        page.keyboard.press("Escape")
        page = one.open("/?q=tariff")
        page.locator("#sliders .latent").first.click()
        near = page.locator("#card[open] .chips .chip").first
        near.focus()
        before = page.locator("#card-title").inner_text()
        page.keyboard.press("Enter")
        one.wait_until(lambda: page.locator("#card-title").inner_text() != before)
        assert focused(one) == "Close"


def test_what_cannot_be_read_of_a_link_is_told_and_can_be_taken_away(
    browser: "sync_api.Browser", url: str
) -> None:
    with watched(browser, url) as one:
        one.page.goto(f"{url}{QUERY}&steer=foo&steer=3=1e0,3=2")
        problem = one.page.locator("#problem")
        problem.wait_for()
        assert "'foo': write N=F to boost" in problem.inner_text()
        chips = one.page.locator("#steered")
        assert "“foo” cannot be read" in chips.inner_text()
        assert "×1" in chips.inner_text()  # as the command line reads it
        chips.get_by_role("button", name="Remove: “foo”").click()
        one.wait_until(lambda: "latent 3 is named twice" in problem.inner_text())
        chips.get_by_role("button", name="Remove: “3=2”").click()
        one.explained()
        assert not problem.is_visible()
        assert one.page.url == f"{url}{QUERY}&steer=3%3D1"
        one.complaints.clear()  # the browser tells of each 422


def test_sliders_are_named_by_the_query_at_hand(browser: "sync_api.Browser", url: str) -> None:
    with watched(browser, url) as one:
        page = one.open("/?q=oil")
        assert "“oil”" in page.locator("#sliders").inner_text()
        page.locator("#query").fill("OIL")
        with page.expect_response("**/api/search"):
            page.keyboard.press("Enter")
        one.explained()
        assert "“OIL”" in page.locator("#sliders").inner_text()


def test_a_server_that_takes_long_is_told_of(browser: "sync_api.Browser", url: str) -> None:
    with watched(browser, url) as one:
        waiting = one.held("**/api/search")
        one.page.goto(url + QUERY)
        status = one.page.locator("#status")
        one.wait_until(lambda: status.inner_text() == "Searching …")
        waiting.pop().continue_()
        one.wait_until(lambda: "in 3 rankings" in status.inner_text())
        waiting = one.held("**/api/document")
        before = status.inner_text()
        one.page.locator(".title").first.click()
        one.wait_until(lambda: status.inner_text() == "Opening …")
        waiting.pop().continue_()
        one.page.locator("#reader[open]").wait_for()
        assert status.inner_text() == before


def test_bars_are_seen_in_colours_that_the_system_forces(
    browser: "sync_api.Browser", url: str
) -> None:
    with watched(browser, url, forced_colors="active") as one:
        page = one.open(QUERY)
        drawn = "one => getComputedStyle(one).backgroundImage"
        assert "gradient" in page.locator(".slider .share").first.evaluate(drawn)
        page.locator('[data-system="latents"] .acts button').first.click()
        pressed = page.locator('.acts button[aria-pressed="true"]').first
        pressed.wait_for()
        assert pressed.evaluate("one => getComputedStyle(one).borderTopWidth") == "2px"


@pytest.mark.parametrize("width", [320, 640])  # as 1280 pixels are at 400 and at 200 %
def test_nothing_is_cut_where_letters_are_large(
    browser: "sync_api.Browser", url: str, width: int
) -> None:
    states = ("/", QUERY, QUERY + "&latent=1", QUERY + "&doc=oil", "/?view=compare&a=oil&b=river")
    with watched(browser, url, viewport={"width": width, "height": 360}) as one:
        for state in states:
            page = one.open(state)
            page.wait_for_load_state("networkidle")
            overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, state


def test_a_browser_that_keeps_nothing_shows_the_page(browser: "sync_api.Browser", url: str) -> None:
    refuse = "{ get() { throw new DOMException('refused', 'SecurityError'); } }"
    with watched(browser, url) as one:
        for name in ("localStorage", "sessionStorage"):
            one.page.add_init_script(f"Object.defineProperty(window, '{name}', {refuse});")
        page = one.open(QUERY)
        theme = page.locator("#theme")
        theme.click()
        assert theme.inner_text() == "Theme: light"
        theme.click()
        assert theme.inner_text() == "Theme: dark"
