"""A proxy before the cluster that does to requests what a rule says: `with Proxy(url) as proxy: …`.

What it can do is in `faults`.
"""

import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread, Timer
from typing import Self, TypeAlias
from urllib.parse import urlsplit

RESET_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: a close throws away what is not sent, and tells the other side so."""


@dataclass(frozen=True)
class Request:
    """One request; `number` counts those of its kind from 0."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    number: int

    @property
    def kind(self) -> str:
        return kind_of(self.method, self.path, self.body)


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(
        default_factory=lambda: {"Content-Type": "application/json; charset=UTF-8"}
    )


def kind_of(method: str, path: str, body: bytes) -> str:
    """Return what a request is for.

    >>> kind_of("HEAD", "/papers", b""), kind_of("GET", "/", b""), kind_of("POST", "/_bulk", b"")
    ('HEAD index', 'info', 'POST _bulk')
    >>> kind_of("POST", "/_bulk", b'{"update":{}}')
    'probe'
    """
    parts = [part for part in urlsplit(path).path.split("/") if part]
    if not parts:
        return "info"
    if parts == ["_bulk"] and body.startswith(b'{"update"'):
        return "probe"
    names = [part for part in parts if part.startswith("_")] or ["index"]
    of = "statistics " if parts[0] == ".splare-statistics" else ""
    return f"{of}{method} {names[0]}"


class Exchange:
    """A request, and what may be done about it."""

    def __init__(self, handler: "Handler", request: Request, proxy: "Proxy") -> None:
        self.handler, self.request, self.proxy = handler, request, proxy

    def forward(self) -> Reply:
        return self.proxy.forward(self.request)

    def answer(self, reply: Reply, *, length: int | None = None) -> None:
        """Send a reply; its Content-Length is a lie where `length` is given."""
        self.send(self.head(reply, length))
        self.send(reply.body)

    def head(self, reply: Reply, length: int | None = None) -> bytes:
        n_bytes = len(reply.body) if length is None else length
        headers = reply.headers | {"Content-Length": str(n_bytes)}
        named = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {reply.status} Proxy\r\n{named}\r\n".encode()

    def send(self, data: bytes) -> None:
        if self.request.method != "HEAD" or data.startswith(b"HTTP/"):
            self.handler.wfile.write(data)

    def close(self, *, is_reset: bool = False) -> None:
        if is_reset:
            self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
        self.handler.close_connection = True


Fault: TypeAlias = Callable[[Exchange], None]
Rule: TypeAlias = Callable[[Request], Fault]


def passed(exchange: Exchange) -> None:
    exchange.answer(exchange.forward())


class Proxy:
    """Listens on loopback; `rule` says what is done to a request, from any thread.

    `seen` are the kinds of the requests so far, `released` lets go those that are held.
    """

    def __init__(self, url: str, rule: Rule = lambda _: passed) -> None:
        self.upstream = urlsplit(url).netloc
        self.rule = rule
        self.seen: list[str] = []
        self.released = Event()
        self._late: list[Timer] = []
        self._lock = Lock()
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self.settle()
        self._server.shutdown()
        self._server.server_close()

    def forward(self, request: Request) -> Reply:
        """Return the cluster's reply."""
        connection = HTTPConnection(self.upstream, timeout=60)
        try:
            connection.request(request.method, request.path, request.body, request.headers)
            reply = connection.getresponse()
            kept = {"content-type", "warning"}
            headers = {name: value for name, value in reply.getheaders() if name.lower() in kept}
            return Reply(reply.status, reply.read(), headers)
        finally:
            connection.close()

    def forward_later(self, request: Request, seconds: float) -> None:
        """Deliver a request for which nobody waits any more."""
        timer = Timer(seconds, self._deliver, [request])
        timer.daemon = True
        with self._lock:
            self._late.append(timer)
        timer.start()

    def _deliver(self, request: Request) -> None:
        with suppress(OSError):  # the cluster is down
            self.forward(request)

    def settle(self) -> None:
        """Wait for all that is delivered late."""
        while self._late:
            self._late.pop().join()

    def take(self, handler: "Handler", body: bytes) -> None:
        """Do to a request what the rule says."""
        with self._lock:
            kind = kind_of(handler.command, handler.path, body)
            number = self.seen.count(kind)
            self.seen.append(kind)
        wanted = {"content-type", "accept"}
        headers = {name: value for name, value in handler.headers.items() if name.lower() in wanted}
        request = Request(handler.command, handler.path, headers, body, number)
        self.rule(request)(Exchange(handler, request, self))


class Server(ThreadingHTTPServer):
    proxy: Proxy
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that are gone."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.proxy.take(self, body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_any

    def log_message(self, *_: object) -> None:
        """Keep the log for the worker's."""
