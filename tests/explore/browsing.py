"""The explorer behind a browser: a server of this process, a Chromium, pages that are watched."""

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from opensearchpy import OpenSearch

from splare_os.explore import InTurns, Place, make_app
from splare_os.index import IngestOptions, ingest
from splare_os.serve import Address
from splare_os.serve.server import listen
from tests.hashing import WordEncoder

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra dev: playwright")

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
EVIL = "evil.example"
"""A name of a stranger that leads to this machine."""

needs_browser = pytest.mark.skipif(
    BROWSER is None, reason=f"none of {', '.join(NAMES)} is there: apt-get install chromium"
)


@contextmanager
def served(place: Place, *, host: str = "127.0.0.1", token: str | None = None) -> Iterator[str]:
    """Serve a place from a thread, as at `host`, and give its address."""
    listener, url = listen(Address(port=0))
    config = uvicorn.Config(make_app(place, host=host, token=token), log_config=None, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


@contextmanager
def explorer_of(
    documents: Sequence[Mapping[str, object]],
    client: OpenSearch,
    cluster_url: str,
    folder: Path,
    options: IngestOptions,
    **seen: str,
) -> Iterator[str]:
    """Yield the address of the explorer of documents, in an index of their own.

    `seen`: how it is `served`.
    """
    index, path = options.index, folder / "documents.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in documents))
    encoder = InTurns(WordEncoder(n_latents=65_536))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        list(ingest(client, encoder, [str(path)], options))
    assert client.count(index=index)["count"] == len(documents)
    place = Place.find(client, encoder, index, text_field=None, address=cluster_url)
    with served(place, **seen) as address:
        yield address
    client.indices.delete(index=index)


@contextmanager
def chromium() -> Iterator["sync_api.Browser"]:
    """Give a browser that takes `evil.example` for this machine."""
    rules = f"--host-resolver-rules=MAP {EVIL} 127.0.0.1"
    with sync_api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", rules]
        browser = playwright.chromium.launch(executable_path=BROWSER, args=options)
        yield browser
        browser.close()


class Watched:
    """A page, and what its console and its scripts complained of."""

    def __init__(self, browser: "sync_api.Browser", url: str, **options: object) -> None:
        self.url = url
        self.context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}} | options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.complaints: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))

    def _heard(self, message: "sync_api.ConsoleMessage") -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def open(self, path: str = "/") -> "sync_api.Page":
        """Open a state of the explorer, and wait until its hits are explained."""
        self.page.goto(self.url + path)
        if "q=" in path and "view=compare" not in path:
            self.explained()
        return self.page

    def explained(self) -> None:
        """Wait until the hits that stand there are wholly explained, and nothing more comes."""
        done = "#columns[aria-busy=false][data-explained] .why"
        self.page.locator(f"{done} .chips, {done} .no-chips").first.wait_for(state="attached")
        self.page.wait_for_load_state("networkidle")

    def held(self, requests: str) -> "list[sync_api.Route]":
        """Return the requests to such addresses, none of which goes on by itself from now on."""
        waiting: list[sync_api.Route] = []

        def hold(route: "sync_api.Route") -> None:
            waiting.append(route)

        self.page.route(requests, hold)
        return waiting

    def ids(self, system: str = "latents") -> list[str]:
        """Return the ids of the hits of a system."""
        return self.page.locator(f'[data-system="{system}"] .meta bdi').all_text_contents()

    def read(self) -> str:
        """Return the text that the reader shows, once it is open."""
        return self.page.locator("#reader[open] .reading").text_content() or ""

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so; the page's policy lets no test evaluate in its stead."""
        end = time.monotonic() + 30
        while not is_so():
            assert time.monotonic() < end, "it did not come about in 30 s"
            self.page.wait_for_timeout(50)

    def steered(self, before: list[str]) -> None:
        """Wait until other hits stand there."""
        self.wait_until(lambda: self.ids() != before)
        self.explained()


@contextmanager
def watched(browser: "sync_api.Browser", url: str, **options: object) -> Iterator[Watched]:
    """Give a page of its own; it must not complain of anything."""
    one = Watched(browser, url, **options)
    yield one
    one.context.close()
    assert one.complaints == []


def picture(page: "sync_api.Page", name: str, folder: Path) -> None:
    """Keep a picture of a page, in $SPLARE_PICTURES if that is given: docs/explorer has them."""
    page.evaluate("document.activeElement.blur()")
    page.screenshot(path=Path(os.environ.get("SPLARE_PICTURES", folder)) / f"{name}.png")
