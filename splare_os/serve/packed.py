"""Replies gzipped for those who take that."""

import re
import zlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIN_BYTES = 1024
"""Less is not worth it."""
LEVEL, GZIP = 1, 16 + zlib.MAX_WBITS
NEVER = re.compile(r"q\s*=\s*0(\.0{0,3})?")
"""The weight of what is not accepted (RFC 9110, 12.4.2)."""


class Packed:
    """Packs the whole replies of an application; it looks at no header unless a reply is long."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the application answer, and pack what it says."""
        if scope["type"] == "http":
            send = _Packing(scope, send)
        await self._app(scope, receive, send)


class _Packing:
    """Keeps the head of a reply until its body comes."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is not None:
            start, self._start = self._start, None
            is_whole = not message.get("more_body", False)
            if is_whole and len(message.get("body", b"")) >= MIN_BYTES:
                message = self._packed(start, message)
            await self._send(start)
        await self._send(message)

    def _packed(self, start: Message, message: Message) -> Message:
        """Return the body as its caller takes it, and have the head say so."""
        headers = MutableHeaders(raw=start["headers"])
        headers.add_vary_header("Accept-Encoding")
        if not accepts_gzip(Headers(scope=self._scope)):
            return message
        body = packed(message["body"])
        headers["content-encoding"], headers["content-length"] = "gzip", str(len(body))
        return {**message, "body": body}


def packed(body: bytes) -> bytes:
    """Return a body as one member of gzip."""
    packer = zlib.compressobj(LEVEL, wbits=GZIP)
    return packer.compress(body) + packer.flush()


def accepts_gzip(headers: Headers) -> bool:
    """Return whether gzip is named, and not refused.

    >>> accepts_gzip(Headers({"accept-encoding": "br, gzip;q=0.5"}))
    True
    >>> accepts_gzip(Headers({"accept-encoding": "gzip;q=0, identity"}))
    False
    """
    for one in headers.get("accept-encoding", "").lower().split(","):
        coding, _, weight = one.partition(";")
        if coding.strip() == "gzip":
            return NEVER.fullmatch(weight.strip()) is None
    return False
