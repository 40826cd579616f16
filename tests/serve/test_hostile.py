"""A server among callers who mean it ill: it stays up, small, and answers the next request."""

import gzip
import io
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest
import urllib3

from .serving import Server, running

pytestmark = pytest.mark.slow

MOST_MB = 700
"""More than it had, of 256 MiB of bodies and what parsing one of 8 MiB takes."""


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with limits as they are, but for time; its memory is measured at the end."""
    limits = {"header_timeout_s": 3.0, "body_timeout_s": 5.0}
    with running(tmp_path_factory.mktemp("attacked"), **limits) as found:
        before = found.peak_mb()
        yield found
        print(f"peak {found.peak_mb():.0f} MB, at the start {before:.0f} MB")
        assert found.peak_mb() < before + MOST_MB
        assert found.end() == 0


@pytest.fixture(autouse=True)
def answering(attacked: Server) -> Iterator[None]:
    """After each attack the next request is answered."""
    yield
    assert attacked.post("/queries", {"texts": ["oil"]})[0] == 200


def connected(server: Server) -> socket.socket:
    place = urlsplit(server.url)
    return socket.create_connection((place.hostname, place.port), timeout=60)


def poured(server: Server, head: bytes, chunk: bytes, n_bytes: int) -> tuple[int, bytes]:
    """Return how much of a body could be sent, and what was answered."""
    sent = 0
    with connected(server) as connection:
        connection.sendall(head)
        with suppress(BrokenPipeError, ConnectionResetError):
            while sent < n_bytes:
                connection.sendall(chunk)
                sent += len(chunk)
        with suppress(ConnectionResetError):
            return sent, connection.recv(65_536)
    return sent, b""


HEAD = b"POST /documents HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


@pytest.mark.parametrize(
    "length", [b"content-length: 1000000000\r\n\r\n", b"transfer-encoding: chunked\r\n\r\n"]
)
def test_a_body_of_a_gigabyte_is_not_taken(attacked: Server, length: bytes) -> None:
    chunk = b"x" * 100_000
    if b"chunked" in length:
        chunk = b"186a0\r\n" + chunk + b"\r\n"
    sent, answer = poured(attacked, HEAD + length, chunk, 10**9)
    assert sent < 50_000_000  # what lies in the sockets counts as sent
    assert answer[:13] in {b"HTTP/1.1 413 ", b""}  # cut off, its answer may be lost


def test_ten_thousand_texts_are_too_many(attacked: Server) -> None:
    assert attacked.post("/documents", {"texts": ["oil"] * 10_000})[0] == 413


def test_bytes_that_are_no_text_are_refused(attacked: Server) -> None:
    assert attacked.post("/documents", b'{"texts": ["\xff\xfe\xfd"]}')[0] == 400
    assert attacked.post("/documents", bytes(range(256)) * 1000)[0] in {400, 422}


def test_gzip_bombs_do_not_go_off(attacked: Server) -> None:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as bomb:
        for _ in range(1000):
            bomb.write(bytes(1_000_000))
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(
            lambda _: attacked.post("/documents", packed.getvalue(), content_encoding="gzip")[0],
            range(32),
        )
        assert set(found) <= {413, 429}


def test_json_that_grows_when_it_is_read_is_read_one_by_one(attacked: Server) -> None:
    body = b'{"texts": [' + b"[]," * 2_700_000 + b"[]]}"
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: attacked.post("/documents", body)[0], range(16)))
    assert set(found) <= {408, 422, 429}


def test_who_sends_slowly_is_cut_off(attacked: Server) -> None:
    slow = [connected(attacked) for _ in range(500)]
    try:
        for number, connection in enumerate(slow):
            connection.sendall((HEAD + b"content-length: 99\r\n\r\n{")[: 20 + number])
        start = time.monotonic()
        assert attacked.post("/queries", {"texts": ["oil"]})[0] == 200
        assert time.monotonic() - start < 10
        for connection in slow:
            with suppress(ConnectionResetError):
                while connection.recv(65_536):
                    pass
        assert time.monotonic() - start < 60
    finally:
        for connection in slow:
            connection.close()


def test_a_thousand_requests_beyond_capacity_are_told_to_come_again(attacked: Server) -> None:
    body = orjson.dumps({"texts": ["slowly"] + ["word " * 400] * 60})  # 30,000 tokens
    pool = urllib3.PoolManager(maxsize=200, retries=False, timeout=urllib3.Timeout(120))

    def ask(_: int) -> tuple[int, str]:
        headers = {"content-type": "application/json"}
        reply = pool.request("POST", attacked.url + "/documents", body=body, headers=headers)
        return reply.status, reply.headers.get("retry-after", "")

    with ThreadPoolExecutor(200) as callers:
        found = list(callers.map(ask, range(1100)))
    counted = Counter(status for status, _ in found)
    print(dict(counted))
    assert set(counted) <= {200, 429, 504}
    assert counted[200]
    assert counted[429] > 500
    assert all(wait.isdecimal() for status, wait in found if status == 429)


def test_it_has_said_nothing_of_what_it_was_sent(attacked: Server) -> None:
    said = Path(attacked.said).read_text()
    assert "oil" not in said
    assert len(said) < 100_000
