"""A server that gives the replies it is told to, one after another: what real ones rarely give."""

import json
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """A reply: its status, its JSON (or bytes as they are), headers beside, and when it comes.

    With `drip_s` the body comes byte by byte, so far apart; of one that `is_cut` half comes, and
    the connection ends.
    """

    status: int = 200
    content: object = None
    headers: dict[str, str] = field(default_factory=dict)
    after_s: float = 0.0
    drip_s: float = 0.0
    is_cut: bool = False

    @property
    def body(self) -> bytes:
        return (
            self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()
        )


@dataclass
class Told:
    """The address of a server, the requests that it got, and the connections they came by."""

    url: str = ""
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Have a server answer in a thread."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


@contextmanager
def answering(
    answers: dict[str, Sequence[Answer]], context: ssl.SSLContext | None = None
) -> Iterator[Told]:
    """Serve by path the answers there, in turn; the last one again and again. `context`: TLS."""
    told, lock = Told(), threading.Lock()
    left = {path: list(given) for path, given in answers.items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["content-length"])))

        def _answer(self, body: bytes) -> None:
            with lock:
                told.requests.append(
                    (self.path, dict(self.headers), json.loads(body) if body else None)
                )
                told.connections.add(self.client_address)
                given = left[self.path]
                answer = given.pop(0) if len(given) > 1 else given[0]
            time.sleep(answer.after_s)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self._write(answer)

        def _write(self, answer: Answer) -> None:
            if not answer.drip_s:
                end = len(answer.body) // 2 if answer.is_cut else None
                self.wfile.write(answer.body[:end])
                self.close_connection = self.close_connection or answer.is_cut
                return
            with suppress(ConnectionError):  # nobody waits for the end
                for one in answer.body:
                    self.wfile.write(bytes([one]))
                    time.sleep(answer.drip_s)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if context:
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        told.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}"
        with serving(server):
            yield told


@contextmanager
def speaking(data: bytes, gap_s: float = 0.0) -> Iterator[Told]:
    """Say to whoever comes these bytes one by one, so far apart, hear nothing, and hang up."""
    told = Told()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            told.connections.add(self.client_address)
            with suppress(ConnectionError):  # nobody waits for the end
                for one in data:
                    self.request.sendall(bytes([one]))
                    time.sleep(gap_s)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        told.url = f"http://127.0.0.1:{server.server_address[1]}"
        with serving(server):
            yield told
