import asyncio
import gzip
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from starlette.types import Message

from splare_os.serve.gate import Gate
from splare_os.serve.limits import Limits
from splare_os.serve.metrics import Registry

from .serving import Server, running

SECRET = "a-token-that-nobody-guesses"  # noqa: S105  # of this test


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("guarded"), token=SECRET) as found:
        yield found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes little of everything."""
    limits = {
        "max_body_bytes": 50_000,
        "max_texts": 10,
        "max_characters": 1000,
        "max_bytes": 100_000,
        "max_requests": 20,
        "max_batch_tokens": 100,
        "max_waiting_tokens": 120,
        "timeout_s": 1.5,
        "body_timeout_s": 1.0,
    }
    with running(tmp_path_factory.mktemp("small"), **limits) as found:
        yield found


def raw(server: Server, *parts: bytes, pause_s: float = 0.0) -> bytes:
    """Return what is answered to bytes as they are, until the connection ends."""
    place = urlsplit(server.url)
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause_s)
        answer = b""
        while more := connection.recv(65_536):
            answer += more
        return answer


def test_who_has_no_token_is_refused(guarded: Server) -> None:
    for headers in (
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Basic {SECRET}"},
        {"authorization": f"Bearer {SECRET}x"},
        {"authorization": "Bearer ÿ".encode("latin-1").decode("latin-1")},
    ):
        assert guarded.post("/queries", {"texts": ["a"]}, **headers)[0] == 401
        assert guarded.get("/metrics", **headers)[0] == 401
        assert guarded.get("/info", **headers)[0] == 401
    for scheme in ("Bearer", "bearer"):
        token = f"{scheme} {SECRET}"
        assert guarded.post("/queries", {"texts": ["a"]}, authorization=token)[0] == 200


def test_probes_and_the_description_need_no_token(guarded: Server) -> None:
    for path in ("/health", "/ready", "/docs", "/openapi.json"):
        status, body = guarded.get(path)
        assert status == 200
        assert SECRET.encode() not in body
    assert b'"securitySchemes":{"token"' in guarded.get("/openapi.json")[1]


def test_what_is_over_a_limit_is_refused(small: Server) -> None:
    assert small.post("/documents", {"texts": ["a"] * 11}) == (
        413,
        {"error": "11 texts: at most 10", "error_type": "Validation"},
    )
    status, found = small.post("/documents", {"texts": ["a", "b" * 1001]})
    assert (status, found["error"]) == (413, "text 1 has 1001 characters: at most 1000")
    assert small.post("/documents", b" " * 50_001)[0] == 413
    assert small.post("/documents", {"texts": ["a" * 1000] * 10})[0] == 200


def test_a_body_without_a_length_is_bounded_too(small: Server) -> None:
    chunk = b"2710\r\n" + b" " * 10_000 + b"\r\n"
    head = b"POST /documents HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    assert raw(small, head, *[chunk] * 6).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("body", "coding", "status"),
    [
        (gzip.compress(b" " * 10_000_000, mtime=0), "gzip", 413),
        (gzip.compress(b'{"texts": ["a"]}', mtime=0)[:-9], "gzip", 400),
        (gzip.compress(b'{"texts": ["a"]}', mtime=0) + b"more", "gzip", 400),
        (b'{"texts": ["a"]}', "gzip", 400),
        (b"", "gzip", 400),
        (b'{"texts": ["a"]}', "br", 415),
        (b'{"texts": ["a"]}', "identity", 200),
    ],
)
def test_packed_bodies_are_read_whole_or_not(
    small: Server, body: bytes, coding: str, status: int
) -> None:
    assert small.post("/documents", body, content_encoding=coding)[0] == status


def test_a_body_that_does_not_come_is_not_waited_for(small: Server) -> None:
    head = b"POST /documents HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n"
    start = time.monotonic()
    assert raw(small, head, b"{").startswith(b"HTTP/1.1 408 ")
    assert 0.9 < time.monotonic() - start < 20


def test_a_request_that_takes_too_long_is_ended(small: Server) -> None:
    status, found = small.post("/documents", {"texts": ["slowly"] * 5})
    assert (status, found) == (504, {"error": "no answer in 1.5 s", "error_type": "Timeout"})
    assert small.post("/queries", {"texts": ["a"]})[0] in {200, 504}
    small.wait_for("splare_open_requests", 1)


def test_a_time_out_of_the_application_is_no_end_of_the_request() -> None:
    async def app(*_: object) -> None:
        raise TimeoutError("of a socket")

    sent: list[Message] = []
    told = iter([{"type": "http.request", "body": b"{}"}])

    async def receive() -> Message:
        return next(told, None) or await asyncio.Future()

    async def send(message: Message) -> None:
        sent.append(message)

    gate = Gate(app, limits=Limits(), registry=Registry(), token=None, routes=[])
    scope = {"type": "http", "method": "POST", "path": "/documents", "headers": []}
    asyncio.run(gate(scope, receive, send))
    assert [one.get("status") for one in sent] == [500, None]


def test_what_is_too_much_to_wait_comes_again_later(small: Server) -> None:
    def ask(number: int) -> tuple[int, str]:
        body = b'{"texts": ["slowly %d ' % number + b"word " * 60 + b'"]}'
        reply = small.pool.request(
            "POST",
            small.url + "/documents",
            body=body,
            headers={"content-type": "application/json"},
        )
        return reply.status, reply.headers.get("retry-after", "")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert {status for status, _ in found} >= {200, 429}
    assert all(wait.isdecimal() and int(wait) >= 1 for status, wait in found if status == 429)
    small.wait_for("splare_open_requests", 1)
    small.wait_for("splare_queue_texts", 0)
    assert small.metric("splare_body_bytes") == 0


def test_all_bodies_together_are_bounded(small: Server) -> None:
    head = b"POST /documents HTTP/1.1\r\nhost: x\r\ncontent-length: 45000\r\n\r\n"
    place = urlsplit(small.url)
    holders = [socket.create_connection((place.hostname, place.port)) for _ in range(2)]
    try:
        for holder in holders:
            holder.sendall(head)
        time.sleep(0.3)
        assert small.post("/documents", b" " * 20_000)[0] == 429
        assert small.post("/documents", {"texts": ["a"]})[0] == 200
    finally:
        for holder in holders:
            holder.close()
    small.wait_for("splare_body_bytes", 0)


def test_a_caller_that_leaves_is_noticed_and_its_texts_dropped(small: Server) -> None:
    dropped = small.metric("splare_queue_dropped_texts_total")
    busy = threading.Thread(target=small.post, args=("/documents", {"texts": ["slowly"]}))
    busy.start()
    time.sleep(0.15)
    place = urlsplit(small.url)
    body = b'{"texts": ["a", "b", "c"]}'
    head = b"POST /documents HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    with socket.create_connection((place.hostname, place.port)) as leaving:
        leaving.sendall(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        time.sleep(0.15)
    busy.join()
    small.wait_for("splare_open_requests", 1)
    small.wait_for("splare_queue_texts", 0)
    assert small.metric("splare_queue_dropped_texts_total") == dropped + 3
    assert small.metric('splare_requests_total{route="/documents",status="499"}') >= 1


def test_who_leaves_with_a_request_behind_is_noticed_too(small: Server) -> None:
    place = urlsplit(small.url)
    body = b'{"texts": ["slowly a", "slowly b"]}'
    head = b"POST /documents HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    request = head + b"content-length: %d\r\n\r\n" % len(body) + body
    name = 'splare_requests_total{route="/documents",status="499"}'
    before = small.metric(name)
    with socket.create_connection((place.hostname, place.port)) as leaving:
        leaving.sendall(request + request)
        time.sleep(0.15)
    small.wait_for("splare_open_requests", 1)
    assert small.metric(name) == before + 1


def test_no_text_reaches_the_log(server: Server) -> None:
    marks = ["plainmark", "xyzzy unreadmark", "broken brokenmark", "spanless spanmark"]
    for mark in marks:
        for route in ("/documents", "/explain"):
            server.post(route, {"texts": [mark]})
    server.post("/documents", b'{"texts": ["cutmark')
    server.post("/documents", b'{"texts": "shapemark"}')
    server.post("/documents", b'{"texts": ["\xff bytemark"]}')
    server.get("/pathmark?query=querymark")
    raw(server, b"GARBAGEMARK\r\n\r\n")
    said = server.said.read_text()
    assert "ModelFailedError" in said
    assert "mark" not in said.lower()
