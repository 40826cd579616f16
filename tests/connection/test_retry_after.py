"""A gateway that says when to come again, asked by real connections."""

import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest
from opensearchpy.exceptions import TransportError

from splare_os.connection import Connection, open_client, retry_after_s
from splare_os.connection.retry_after import LONGEST_S, seconds_of
from splare_os.errors import BulkError
from splare_os.index.patience import Patience, retried


class Busy(BaseHTTPRequestHandler):
    """Refuses with what is among the answers, in turn; then answers."""

    protocol_version = "HTTP/1.1"
    answers: list[tuple[int, dict[str, str]]]
    refusal = b'{"error": "busy"}'

    def do_GET(self) -> None:
        # a proxy is asked for whole addresses, which changes nothing here
        status, headers = self.answers.pop(0) if self.answers else (200, {})
        body = b'{"version": {"number": "3.6.0"}}' if status == 200 else self.refusal
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> Iterator[tuple[str, list[tuple[int, dict[str, str]]]]]:
    answers: list[tuple[int, dict[str, str]]] = []
    handler = type("Handler", (Busy,), {"answers": answers})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", answers
        server.shutdown()


def connections(url: str) -> list[Connection]:
    return [Connection((url,)), Connection((url,), proxy=url)]


@pytest.mark.parametrize("number", [0, 1], ids=["urllib3", "requests"])
def test_errors_carry_what_the_header_said(gateway, number):
    url, answers = gateway
    answers += [(429, {"Retry-After": "7"}), (503, {}), (429, {"retry-after": "soon"})]
    with open_client(connections(url)[number], max_retries=0) as client:
        found = []
        for _ in range(3):
            with pytest.raises(TransportError) as refused:
                client.info()
            found.append(retry_after_s(refused.value))
        assert client.info()["version"]["number"] == "3.6.0"
    assert found == [7.0, 0.0, 0.0]


@pytest.mark.parametrize("number", [0, 1], ids=["urllib3", "requests"])
@pytest.mark.parametrize(
    "refusal",
    [
        *(b"null", b"[]", b'"busy"', b"{}", b'{"error": null}'),
        *(b'{"error": {"root_cause": %b}}' % cause for cause in (b"null", b"[null]", b'["busy"]')),
        b'{"error": {"root_cause": [{"reason": null, "resource.id": 7}]}}',
    ],
)
def test_a_refusal_in_any_json_is_an_error_that_can_be_told(gateway, monkeypatch, number, refusal):
    url, answers = gateway
    monkeypatch.setattr(Busy, "refusal", refusal)
    answers += [(502, {"Retry-After": "7"})]
    with (
        open_client(connections(url)[number], max_retries=0) as client,
        pytest.raises(TransportError) as refused,
    ):
        client.info()
    assert "502" in str(refused.value)
    assert retry_after_s(refused.value) == 7.0


def test_the_next_try_waits_as_long_as_asked_and_later_ones_do_not(gateway):
    url, answers = gateway
    answers += [(429, {"Retry-After": "1"}), (503, {})]
    with open_client(connections(url)[0], max_retries=0) as client:
        begun = time.perf_counter()
        retried(client.info, Patience(first_pause_s=0.01), Event())
        assert 1.0 <= time.perf_counter() - begun < 1.9


def test_a_stop_ends_the_wait(gateway):
    url, answers = gateway
    answers += [(429, {"Retry-After": "200"})]
    stop = Event()
    with open_client(connections(url)[0], max_retries=0) as client:
        waiting = Thread(target=lambda: (time.sleep(0.3), stop.set()))
        waiting.start()
        with pytest.raises(BulkError, match="stopped while waiting"):
            retried(client.info, Patience(first_pause_s=0.01), stop)
        waiting.join()


def test_dates_are_times_too():
    assert 8 < seconds_of(formatdate(time.time() + 10, usegmt=True)) <= 10
    assert seconds_of(formatdate(time.time() - 10, usegmt=True)) == 0.0
    assert seconds_of(formatdate(time.time() + 86_400, usegmt=True)) == LONGEST_S
