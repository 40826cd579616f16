"""A gateway before the cluster that lets in who says who it is."""

import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self, TypeAlias
from urllib.parse import urlsplit

Headers: TypeAlias = Mapping[str, str]

Allowed: TypeAlias = Callable[[str, str, Headers, bytes], bool]
"""Method, path, headers with small letters, body: may they pass?"""

DENIED = b'{"error": {"type": "security_exception", "reason": "who are you?"}, "status": 401}'


class Gateway:
    """Listens on loopback, with TLS if it has a `context`; `seen` are the headers of requests."""

    def __init__(self, url: str, allowed: Allowed, context: ssl.SSLContext | None = None) -> None:
        self.upstream, self.allowed, self.seen = urlsplit(url).netloc, allowed, list[Headers]()
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.gateway = self
        port = self._server.server_address[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{port}"
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: "Handler", body: bytes) -> tuple[int, str, bytes]:
        """Return status, kind and body of the reply: the cluster's, or a refusal."""
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.seen.append(headers)
        if not self.allowed(handler.command, handler.path, headers, body):
            return 401, "application/json", DENIED
        parts = urlsplit(handler.path)  # a proxy is asked for a whole address
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        kept = {name: headers[name] for name in ("content-type", "accept") if name in headers}
        connection = HTTPConnection(self.upstream, timeout=60)
        try:
            connection.request(handler.command, path, body, kept)
            reply = connection.getresponse()
            return reply.status, reply.getheader("content-type") or "", reply.read()
        finally:
            connection.close()


class Server(ThreadingHTTPServer):
    gateway: Gateway
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that go away."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, kind, content = self.server.gateway.answer(self, body)
        with suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_any

    def log_message(self, *_: object) -> None:
        """Keep quiet."""
