"""Pages of strangers, names that are not ours, paths that lead elsewhere."""

import asyncio

import pytest
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import Message, Scope

from splare_os.explore.guard import HEADERS, Guard
from splare_os.explore.page import Page

JSON = ("content-type", "application/json")


def reply(
    *headers: tuple[str, str],
    path: str = "/api/search",
    method: str = "POST",
    names: tuple[str, ...] = (),
    is_local: bool = True,
) -> tuple[int, Headers, bytes]:
    """Return status, headers and body of a reply of what stands behind guard and page."""
    app = Guard(Page(PlainTextResponse("secret", 200)), names=names, is_local=is_local)
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope: Scope = {"type": "http", "method": method, "path": path, "headers": raw}
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], Headers(raw=sent[0]["headers"]), body


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8090", "localhost:9", "[::1]:8090", "LOCALHOST"]
)
def test_names_of_this_machine_are_ours(host: str) -> None:
    assert reply(("host", host), JSON)[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8090",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.0.0.7",
        "127.0.0.1@evil.example",
        "127.0.0.1:8090/",
        "127.0.0.1\r\nx-injected: 1",
        "127.0.0.1:99999999",
        "",
        " ",
        "%31%32%37.0.0.1",
    ],
)
def test_a_name_that_was_pointed_here_gets_nothing(host: str) -> None:
    for path in ("/api/search", "/", "/explorer.js"):
        status, headers, body = reply(("host", host), JSON, path=path)
        assert status == 403
        assert b"secret" not in body
        assert "x-injected" not in headers


def test_one_host_is_needed() -> None:
    assert reply(JSON)[0] == 403
    assert reply(("host", "localhost"), ("host", "evil.example"), JSON)[0] == 403


def test_elsewhere_addresses_and_given_names_are_ours() -> None:
    for host in ("10.0.0.7:8090", "search.example", "Search.Example:443", "[fe80::1]"):
        told = reply(("host", host), JSON, names=("search.example",), is_local=False)
        assert told[0] == 200, host
    assert reply(("host", "evil.example"), JSON, is_local=False)[0] == 403


@pytest.mark.parametrize(
    "header",
    [
        ("origin", "http://evil.example"),
        ("origin", "http://localhost:8091"),
        ("origin", "http://localhost"),
        ("origin", "null"),
        ("origin", "file://"),
        ("origin", "http://["),
        ("origin", "localhost:8090"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ],
)
def test_pages_of_others_cannot_ask(header: tuple[str, str]) -> None:
    status, headers, body = reply(("host", "localhost:8090"), JSON, header)
    assert status == 403
    assert b"secret" not in body
    assert not [name for name in headers if name.startswith("access-control")]


def test_our_page_can_ask() -> None:
    own = [("origin", "http://localhost:8090"), ("sec-fetch-site", "same-origin")]
    assert reply(("host", "localhost:8090"), JSON, *own)[0] == 200


def test_a_form_cannot_ask() -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        assert reply(("host", "localhost"), ("content-type", kind))[0] == 415


def test_a_link_from_another_site_leads_to_the_page() -> None:
    status, headers, body = reply(
        ("host", "localhost"), ("sec-fetch-site", "cross-site"), path="/", method="GET"
    )
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b'<script type="module" src="/explorer.js">' in body


@pytest.mark.parametrize("path", ["/", "/explorer.css", "/api/search", "/nothing"])
def test_every_reply_keeps_a_browser_safe(path: str) -> None:
    _, headers, _ = reply(("host", "localhost"), JSON, path=path)
    for name, value in HEADERS.items():
        assert headers[name] == value
    assert "'unsafe" not in headers["content-security-policy"]
    assert "cache-control" in headers


@pytest.mark.parametrize(
    "path",
    [
        "/../app.py",
        "/..%2fapp.py",
        "/%2e%2e/app.py",
        "//explorer.js",
        "/./explorer.js",
        "/explorer.js/",
        "/explorer.js\x00.html",
        "/page/explorer.js",
        "/\\..\\app.py",
        "/etc/passwd",
        "/index.html",
    ],
)
def test_no_path_leads_to_another_file(path: str) -> None:
    assert reply(("host", "localhost"), path=path, method="GET")[2] == b"secret"  # not the page's
