"""The page in a real browser: search, steer, link, compare; hostile documents; strangers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.cli.comparison import INDEX, index_sample
from splare_os.encode import load_encoder
from splare_os.explore import InTurns, NotingTransport, Place
from splare_os.explore.messages import Steered
from splare_os.explore.searching import query_latents
from splare_os.index import IngestOptions, ingest
from splare_os.search.labelling import LabelOptions, LabelRun
from tests.hashing import WordEncoder

from .browsing import EVIL, chromium, needs_browser, picture, served, sync_api, watched

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs the extra dev")

pytestmark = [pytest.mark.opensearch, pytest.mark.slow, needs_browser]

QUERY = "/?q=illness+spread+by+fleas+on+rats"
SCRIPT = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"

TEXT = "illness spread by fleas on rats"
OTHER = "black death epidemic"

HOSTILE = [
    {
        "_id": f'"><a>{SCRIPT}',
        "title": SCRIPT,
        "text": f"hostile {SCRIPT} </mark></p>",
        "x": SCRIPT,
    },
    {"_id": "rtl", "title": "\u202eltit", "text": "hostile \u202e\u2067 txet \u05d0\u05d1"},
    {"_id": "control", "title": "a\x00b\x1b[31mc", "text": "hostile \x00\x07\x1b[2J\x7f end"},
    {"_id": "unbroken", "title": "u" * 5000, "text": "hostile " + "u" * 1_048_576},
    {"_id": "large", "title": "large", "text": "hostile words " * 75_000},
    {"_id": "wide", "title": "wide", "text": " ".join(f"hostile w{n}" for n in range(10_000))},
]


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def client(cluster_url: str) -> Iterator[OpenSearch]:
    options = {"transport_class": NotingTransport, "timeout": 60}
    with OpenSearch(cluster_url, **options) as one:
        yield one


@pytest.fixture(scope="module")
def url(
    client: OpenSearch, cluster_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The explorer of the shipped sample by mini; latents of two queries have labels."""
    encoder = InTurns(load_encoder("mini"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        for run in index_sample(client, encoder):
            list(run)
    place = Place.find(client, encoder, INDEX, text_field=None, address=cluster_url)
    told = [one for text in (TEXT, OTHER) for one in query_latents(place, Steered(query=text))]
    latents = tuple(sorted({one["latent"] for one in told}))
    list(LabelRun(client, encoder, INDEX, LabelOptions(latents=latents)))
    with served(place) as address:
        yield address
    client.indices.delete(index=f"{INDEX},splare-labels")


@pytest.fixture(scope="module")
def hostile(
    client: OpenSearch, cluster_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The explorer of documents that mean it ill."""
    folder = tmp_path_factory.mktemp("hostile")
    path = folder / "hostile.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in HOSTILE))
    encoder = InTurns(WordEncoder(n_latents=65_536))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        options = IngestOptions(index="hostile", top_k=10_000)
        list(ingest(client, encoder, [str(path)], options))
    assert client.count(index="hostile")["count"] == len(HOSTILE)
    place = Place.find(client, encoder, "hostile", text_field=None, address=cluster_url)
    with served(place) as address:
        yield address
    client.indices.delete(index="hostile")


def test_a_search_shows_three_rankings_with_reasons(
    browser: "sync_api.Browser", url: str, tmp_path: Path
) -> None:
    with watched(browser, url) as one:
        page = one.open()
        assert page.locator("#intro").is_visible()
        page.keyboard.press("/")
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
        page.locator("#steered li").wait_for()
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


def test_hostile_documents_are_text(browser: "sync_api.Browser", hostile: str) -> None:
    with watched(browser, hostile) as one:
        page = one.open("/?q=hostile")
        for system in ("bm25", "latents", "hybrid"):
            assert set(one.ids(system)) == {shown(str(each["_id"])) for each in HOSTILE}
        titles = page.locator('[data-system="latents"] .title').all_text_contents()
        assert SCRIPT in titles
        assert "a\u2400b\u241b[31mc" in titles
        assert max(map(len, titles)) <= 300
        for each in HOSTILE:
            page.locator('[data-system="bm25"] .hit').filter(
                has=page.get_by_text(shown(str(each["_id"])), exact=True)
            ).locator(".title").click()
            text = one.read()
            assert shown(str(each["text"]))[:100] in text
            assert len(text) <= 20_100
            if len(str(each["text"])) > 20_000:
                page.get_by_role("button", name="Read on").click()
                one.wait_until(lambda: len(one.read()) > 30_000)
            page.keyboard.press("Escape")
        assert page.evaluate("window.hacked") is None
        assert page.locator("main script, main img, dialog script, dialog img").count() == 0
        isolated = page.locator(".fragment").first.evaluate(
            "one => getComputedStyle(one).unicodeBidi"
        )
        assert isolated == "isolate"
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_hostile_address_is_text_too(browser: "sync_api.Browser", hostile: str) -> None:
    with watched(browser, hostile) as one:
        page = one.open("/")
        page.goto(f"{hostile}/?q={SCRIPT}&show=constructor&steer=__proto__&latent=x&kind={SCRIPT}")
        page.locator("#columns .column").first.wait_for()
        assert page.evaluate("window.hacked") is None
        assert page.locator("#query").input_value() == SCRIPT
        page.goto(f"{hostile}/?q=hostile&doc={SCRIPT}")
        page.locator("#problem").wait_for()
        assert SCRIPT in page.locator("#problem").inner_text()
        one.complaints.clear()  # the browser tells of the 404


def test_a_stranger_can_neither_read_nor_steer(browser: "sync_api.Browser", hostile: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    context.route("http://stranger.example/**", lambda route: route.fulfill(body="<p>hello</p>"))
    page.goto("http://stranger.example/")
    ask = """async ([url, mode, kind]) => {
        try {
            const headers = {"content-type": kind};
            const reply = await fetch(url, {method: "POST", mode, body: '{"query": "a"}', headers});
            return `${reply.type} ${await reply.text()}`;
        } catch (error) { return String(error.name); }
    }"""
    target = f"{hostile}/api/search"
    assert page.evaluate(ask, [target, "cors", "application/json"]) == "TypeError"
    assert page.evaluate(ask, [target, "cors", "text/plain"]) == "TypeError"
    assert page.evaluate(ask, [target, "no-cors", "text/plain"]) in {"opaque ", "TypeError"}
    framed = page.evaluate(
        """async (url) => {
            const frame = document.createElement("iframe");
            frame.src = url;
            document.body.append(frame);
            await new Promise((done) => { frame.onload = done; setTimeout(done, 3000); });
            return frame.contentDocument && frame.contentDocument.title;
        }""",
        f"{hostile}/?q=hostile",
    )
    assert framed in {None, ""}
    port = hostile.rpartition(":")[2]
    reply = page.goto(f"http://{EVIL}:{port}/")  # a name that was pointed here
    assert reply is not None
    assert reply.status == 403
    assert "no name of this server" in page.inner_text("body")
    context.close()


def shown(text: str) -> str:
    """Return a text as the page shows it: control characters as pictures."""
    return "".join(
        chr(0x2400 + ord(char))
        if ord(char) < 32 and char not in "\n\t\r"
        else "\u2421"
        if char == "\x7f"
        else char
        for char in text
    )
