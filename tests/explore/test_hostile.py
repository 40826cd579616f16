"""The page in a real browser among documents, addresses and pages that mean it ill."""

from collections.abc import Iterator

import pytest
from opensearchpy import OpenSearch

from splare_os.index import IngestOptions

from .browsing import EVIL, explorer_of, needs_browser, sync_api, watched

pytestmark = [pytest.mark.opensearch, pytest.mark.slow, needs_browser]

SCRIPT = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
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
def hostile(
    noting_client: OpenSearch, cluster_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The explorer of documents that mean it ill."""
    folder, options = (
        tmp_path_factory.mktemp("hostile"),
        IngestOptions(index="hostile", top_k=10_000),
    )
    with explorer_of(HOSTILE, noting_client, cluster_url, folder, options) as address:
        yield address


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
        page.goto(f"{hostile}/?q={SCRIPT}&show=constructor&latent=x&kind={SCRIPT}")
        page.locator("#columns .column").first.wait_for()
        page.goto(f"{hostile}/?q={SCRIPT}&steer=__proto__,{SCRIPT}")
        page.locator("#problem").wait_for()
        assert f"“{SCRIPT}”" in page.locator("#steered").inner_text()
        assert page.evaluate("window.hacked") is None
        assert page.locator("#query").input_value() == SCRIPT
        page.goto(f"{hostile}/?q=hostile&doc={SCRIPT}")
        page.locator("#problem").wait_for()
        assert SCRIPT in page.locator("#problem").inner_text()
        one.complaints.clear()  # the browser tells of the 422 and the 404


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
