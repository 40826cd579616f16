"""Replies gzipped for those who take that."""

import re

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

MIN_BYTES = 1024
"""Less is not worth it."""
NEVER = re.compile(r"q\s*=\s*0(\.0{0,3})?")
"""The weight of what is not accepted (RFC 9110, 12.4.2)."""


class Packed(GZipMiddleware):
    """Starlette's, which would pack for everyone who names gzip, be it to refuse it."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, minimum_size=MIN_BYTES, compresslevel=1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the application answer, and pack what it says."""
        if scope["type"] == "http" and not accepts_gzip(Headers(scope=scope)):
            kept = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
            scope = {**scope, "headers": kept}
        await super().__call__(scope, receive, send)


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
