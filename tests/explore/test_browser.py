"""The page in a real browser: search, steer, link, read, compare, and axe's rules."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.cli.comparison import INDEX, index_sample
from splare_os.encode import load_encoder
from splare_os.explore import InTurns, Place
from splare_os.explore.messages import Steered
from splare_os.explore.searching import query_latents
from splare_os.search.labels.labelling import LabelOptions, LabelRun

from .browsing import needs_browser, picture, served, sync_api, watched

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs the extra dev")

pytestmark = [pytest.mark.opensearch, pytest.mark.slow, needs_browser]

QUERY = "/?q=illness+spread+by+fleas+on+rats"

TEXT = "illness spread by fleas on rats"
OTHER = "black death epidemic"


@pytest.fixture(scope="module")
def url(
    noting_client: OpenSearch, cluster_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The explorer of the shipped sample by mini; latents of two queries have labels."""
    encoder = InTurns(load_encoder("mini"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        for run in index_sample(noting_client, encoder):
            list(run)
    place = Place.find(noting_client, encoder, INDEX, text_field=None, address=cluster_url)
    told = [one for text in (TEXT, OTHER) for one in query_latents(place, Steered(query=text))]
    latents = tuple(sorted({one["latent"] for one in told}))
    list(LabelRun(noting_client, encoder, INDEX, LabelOptions(latents=latents)))
    with served(place) as address:
        yield address
    noting_client.indices.delete(index=f"{INDEX},splare-labels")


def test_a_search_shows_three_rankings_with_reasons(
    browser: "sync_api.Browser", url: str, tmp_path: Path
) -> None:
    with watched(browser, url) as one:
        page = one.open()
        assert page.locator("#intro").is_visible()
        page.keyboard.press("Control+k")
        page.keyboard.type(TEXT)
        page.keyboard.press("Enter")
        one.explained()
        for system in ("bm25", "latents", "hybrid"):
            assert len(one.ids(system)) == 10
        first = page.locator('[data-system="latents"] .hit').first
        assert "Black Death" in first.locator(".title").inner_text()
        assert first.locator("mark").count() >= 2
        shares = [int(text.split()[0]) for text in first.locator(".chip strong").all_inner_texts()]
        assert shares == sorted(shares, reverse=True)
        assert 0 < sum(shares) <= 100
        assert "30 hits in 3 rankings" in page.locator("#status").inner_text()
        assert page.title() == f"{TEXT} · splare explorer"
        picture(page, "search", tmp_path)


def test_what_is_typed_before_the_server_answers_stays(
    browser: "sync_api.Browser", url: str
) -> None:
    with watched(browser, url) as one:
        waiting = one.held("**/api/about")
        page = one.open()
        one.wait_until(lambda: bool(waiting))
        page.keyboard.press("Control+k")
        page.keyboard.type("fleas on rats")
        waiting[0].continue_()
        page.wait_for_load_state("networkidle")
        assert page.locator("#about").inner_text() != ""
        assert page.locator("#query").input_value() == "fleas on rats"


def test_a_slider_steers_and_the_address_is_a_link_to_it(
    browser: "sync_api.Browser", url: str
) -> None:
    with watched(browser, url) as one:
        page = one.open(QUERY)
        before = one.ids()
        words = one.ids("bm25")
        for at in range(8):
            slider = page.locator("#sliders input").nth(at)
            slider.focus()
            page.keyboard.press("Home")
        one.steered(before)
        steered = one.ids()
        assert one.ids("bm25") == words
        assert page.locator("#sliders output").first.inner_text() == "muted"
        assert page.evaluate("document.activeElement.type") == "range"  # it kept the focus
        link = page.url.removeprefix(url)
        assert "steer=-" in link
        with watched(browser, url) as again:
            again.open(link)
            assert again.ids() == steered
            assert again.page.locator("#steered li").count() == 9
            again.page.get_by_role("button", name="Reset all").click()
            again.steered(steered)
            assert again.ids() == before


def test_a_drag_changes_hits_as_it_goes(browser: "sync_api.Browser", url: str) -> None:
    with watched(browser, url) as one:
        page = one.open(QUERY)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        box = page.locator("#sliders input").first.bounding_box()
        assert box is not None
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] / 4, middle)
        page.mouse.down()
        for step in range(6):
            page.mouse.move(box["x"] + box["width"] * (0.3 + step / 10), middle)
            page.wait_for_timeout(150)
        n_before_the_end = sum(each.endswith("/api/search") for each in asked)
        page.mouse.up()
        one.explained()
        assert n_before_the_end >= 2
        assert page.locator("#sliders output").first.inner_text().startswith("×3")


def test_latents_are_found_added_and_taken_away(browser: "sync_api.Browser", url: str) -> None:
    with watched(browser, url) as one:
        page = one.open(QUERY)
        before = one.ids()
        page.get_by_label("Add latents about").fill("football stadium")
        page.get_by_role("button", name="Find").click()
        page.locator("#add-found .chip").first.click()
        page.locator("#sliders output", has_text="added, 1").wait_for()
        slider = page.locator("#sliders input").first
        slider.focus()
        page.keyboard.press("End")
        one.steered(before)
        assert page.locator("#sliders output").first.inner_text() == "added, 5"
        assert "steer=%2B" in page.url
        page.locator("#steered button").click()
        one.steered(one.ids())
        assert "steer" not in page.url
        assert one.ids() == before


def test_more_like_this_and_back(browser: "sync_api.Browser", url: str) -> None:
    with watched(browser, url) as one:
        page = one.open(QUERY)
        before = one.ids()
        page.locator(
            '[data-system="latents"] .acts button', has_text="More like this"
        ).first.click()
        one.steered(before)
        assert before[0] not in one.ids()
        assert f"like={before[0]}" in page.url
        after = one.ids()
        page.go_back()
        one.steered(after)
        assert one.ids() == before


def test_a_card_opens_by_keyboard_and_gives_the_focus_back(
    browser: "sync_api.Browser", url: str, tmp_path: Path
) -> None:
    with watched(browser, url, color_scheme="dark") as one:
        page = one.open(QUERY)
        chip = page.locator('[data-system="latents"] .chip').first
        chip.focus()
        page.keyboard.press("Enter")
        page.locator("#card[open] .top-document").first.wait_for()
        told = page.locator("#card").inner_text()
        assert "Words that trigger it" in told
        assert "fleas" in told
        assert "of 2,067 documents" in told
        assert "latent=" in page.url
        picture(page, "card", tmp_path)
        page.keyboard.press("Escape")
        assert not page.locator("#card").is_visible()
        assert chip.evaluate("one => one === document.activeElement")
        assert "latent=" not in page.url


def test_requests_and_documents_are_a_click_away(browser: "sync_api.Browser", url: str) -> None:
    with watched(browser, url) as one:
        page = one.open(QUERY)
        page.get_by_role("button", name="Request for Latents").click()
        told = page.locator("#requests pre").inner_text()
        assert told.startswith("curl -sS -X POST ")
        assert "text_splare.impacts." in told
        page.keyboard.press("Escape")
        page.locator('[data-system="latents"] .title').first.click()
        page.locator("#reader[open] .reading").wait_for()
        assert page.locator("#reader mark").count() >= 2
        assert "doc=" in page.url


def test_two_queries_and_two_documents_are_compared(
    browser: "sync_api.Browser", url: str, tmp_path: Path
) -> None:
    with watched(browser, url) as one:
        page = one.open("/")
        page.get_by_role("button", name="Compare").first.click()
        page.get_by_label("A", exact=True).fill(TEXT)
        page.get_by_label("B", exact=True).fill(OTHER)
        page.locator("#compare-form button").click()
        page.locator("#compared .hit").first.wait_for()
        assert "latents in both" in page.locator("#compare-status").inner_text()
        picture(page, "compare", tmp_path)
        page = one.open(QUERY)
        compare = page.locator('[data-system="latents"] .acts button', has_text="Compare")
        compare.nth(0).click()
        compare.nth(1).click()
        page.get_by_role("button", name="Read A").wait_for()
        assert "kind=documents" in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 360])
def test_nothing_bars_anybody_by_the_rules_of_axe(
    browser: "sync_api.Browser", url: str, tmp_path: Path, scheme: str, width: int
) -> None:
    states = {
        "intro": "/",
        "search": QUERY + "&steer=-2361,730=2",
        "card": QUERY + "&latent=2361",
        "reader": QUERY + "&doc=sd00215",
        "compare": f"/?view=compare&a={TEXT}&b={OTHER}",
    }
    viewport = {"width": width, "height": 800}
    with watched(browser, url, color_scheme=scheme, viewport=viewport) as one:
        for name, path in states.items():
            page = one.open(path)
            wanted = {"card": "#card[open]", "reader": "#reader[open]", "compare": "#compared .hit"}
            page.locator(wanted.get(name, "main")).first.wait_for()
            if width == 360 and name == "search":
                picture(page, f"narrow-{scheme}", tmp_path)
                page.locator("#latents-panel summary").click()
            found = axe.Axe().run(page)
            assert found.violations_count == 0, (name, found.generate_report())
            overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, name
