import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from .serving import Server, running


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = {"header_timeout_s": 0.5, "max_connections": 100, "keep_alive_s": 1}
    with running(tmp_path_factory.mktemp("strict"), **limits) as found:
        yield found


def connected(server: Server) -> socket.socket:
    place = urlsplit(server.url)
    return socket.create_connection((place.hostname, place.port), timeout=30)


def ended_after_s(connection: socket.socket) -> float:
    """Return how long it takes until the other side ends the connection."""
    start = time.monotonic()
    try:
        while connection.recv(65_536):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - start


@pytest.mark.parametrize(
    "sent", [b"", b"\r\n", b"GET /heal", b"GET /health HTTP/1.1\r\nhost: x\r\n"]
)
def test_headers_that_do_not_come_end_the_connection(strict: Server, sent: bytes) -> None:
    with connected(strict) as connection:
        connection.sendall(sent)
        assert 0.3 < ended_after_s(connection) < 20


def sent_until_cut_off(
    connection: socket.socket,
    line: bytes,
    pause_s: float,
    *,
    head: bytes = b"GET /health HTTP/1.1\r\n",
) -> int:
    """Return how many bytes of headers, `line` again and again, are taken in 20 seconds."""
    connection.sendall(head)
    n_bytes, end = 0, time.monotonic() + 20
    try:
        while time.monotonic() < end:
            connection.sendall(line)
            n_bytes += len(line)
            time.sleep(pause_s)
    except (BrokenPipeError, ConnectionResetError):
        return n_bytes
    raise AssertionError(f"{n_bytes} bytes of headers were taken")


def test_headers_that_drip_end_the_connection(strict: Server) -> None:
    with connected(strict) as connection:
        assert sent_until_cut_off(connection, b"a: b\r\n", 0.05) < 2_400


def test_headers_without_end_are_cut_off(strict: Server) -> None:
    with connected(strict) as connection:  # what lies in the sockets counts as sent
        assert sent_until_cut_off(connection, b"a: " + b"b" * 10_000 + b"\r\n", 0.0) < 20_000_000


@pytest.mark.parametrize("line", [b"a: b\r\n" * 1_000, b"b" * 10_000])
@pytest.mark.parametrize("method", [b"GET /health", b"POST /queries"])
def test_trailers_without_end_are_cut_off(strict: Server, method: bytes, line: bytes) -> None:
    head = method + b" HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\n \r\n0\r\na: "
    with connected(strict) as connection:
        assert sent_until_cut_off(connection, line, 0.0, head=head) < 20_000_000


def test_headers_of_many_requests_in_one_go_are_not_one_large_header(strict: Server) -> None:
    request = b"GET /health HTTP/1.1\r\nhost: x\r\na: " + b"b" * 2_000 + b"\r\n\r\n"
    with connected(strict) as connection:
        connection.sendall(request * 50)
        answer = b""
        while answer.count(b"alive") < 50:
            more = connection.recv(65_536)
            assert more, answer
            answer += more


def test_requests_without_end_are_cut_off_before_their_answers_are_read(strict: Server) -> None:
    line = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n" * 1_000
    with connected(strict) as connection:
        assert sent_until_cut_off(connection, line, 0.0, head=b"") < 20_000_000


@pytest.mark.parametrize("in_one_go", [True, False])
def test_an_offer_of_another_protocol_is_passed_over(strict: Server, *, in_one_go: bool) -> None:
    body = b'{"texts": ["oil"]}'
    head = (
        b"POST /queries HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAA\r\n"
        b"content-length: 18\r\n\r\n"
    )
    with connected(strict) as connection:
        for _ in range(2):
            for part in [head + body] if in_one_go else [head, body[:5], body[5:]]:
                connection.sendall(part)
                time.sleep(0.1)
        answer = b""
        while answer.count(b'{"response":[{') < 2:
            more = connection.recv(65_536)
            assert more, answer
            answer += more
    assert answer.count(b"HTTP/1.1 200 ") == 2


def answered(connection: socket.socket) -> bytes:
    """Return the answer to one request for health, in however many parts it comes."""
    answer = b""
    while not answer.endswith(b'{"status":"alive"}'):
        more = connection.recv(65_536)
        assert more, answer
        answer += more
    return answer


def test_an_idle_connection_is_kept_for_a_while_and_then_ended(strict: Server) -> None:
    request = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
    with connected(strict) as connection:
        connection.sendall(request)
        assert answered(connection).startswith(b"HTTP/1.1 200 ")
        time.sleep(0.7)  # longer than headers may take
        connection.sendall(request)
        assert answered(connection).startswith(b"HTTP/1.1 200 ")
        assert 0.5 < ended_after_s(connection) < 20


def test_hundreds_who_say_nothing_do_not_keep_others_out(strict: Server) -> None:
    silent = [connected(strict) for _ in range(300)]
    try:
        time.sleep(1.5)
        assert strict.post("/queries", {"texts": ["a"]})[0] == 200
    finally:
        for connection in silent:
            connection.close()


def test_two_requests_in_one_go_are_answered_in_order(strict: Server) -> None:
    with connected(strict) as connection:
        connection.sendall(
            b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
            b"GET /ready HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        )
        answer = b""
        while more := connection.recv(65_536):
            answer += more
    assert answer.index(b"alive") < answer.index(b'"ready"')
