import json
import re
import shlex
from html import unescape

from fastapi import FastAPI

from splare_os.serve.page import page

from .serving import Server
from .test_openapi import ROUTES

FROM_ELSEWHERE = re.compile(r"<script|<link|<img|https?:|src=|@import", re.IGNORECASE)


def test_the_page_has_every_route_and_nothing_from_elsewhere(server: Server) -> None:
    reply = server.pool.request("GET", server.url + "/docs")
    text = reply.data.decode()
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["content-security-policy"] == "default-src 'none'"
    assert not FROM_ELSEWHERE.search(text)
    assert sorted(re.findall(r"<h2>(.*?)</h2>", text)) == sorted(ROUTES)


def test_the_commands_of_the_page_are_answered(server: Server) -> None:
    text = server.get("/docs")[1].decode()
    for command in map(unescape, re.findall(r"<pre>(.*?)</pre>", text)):
        _, address, *_, body = shlex.split(command)
        route = address.removeprefix("$SPLARE_SERVER_URL")
        status = server.post(route, json.loads(body))[0]
        assert status == (404 if route.startswith("/native/") else 200), command


def test_markup_in_a_description_is_text() -> None:
    app = FastAPI(title="<b>", description="a & b")
    assert "<h1>&lt;b&gt; 0.1.0</h1><p>a &amp; b</p>" in page(app.openapi())
