"""The body of a request, whole: bounded as it is sent and as it unpacks.

All bodies together are bounded too: what is too much for the server is refused before it is read.
"""

import zlib
from collections.abc import Mapping

from starlette.types import Receive

from .limits import Limits
from .refusal import Refusal, overloaded, too_large
from .watch import ClientLeftError

GZIP = 16 + zlib.MAX_WBITS
CODINGS = ("identity", "gzip")
STEP = 65_536
"""Bytes that are unpacked between two looks at the limits."""


class Share:
    """The bytes that one request has of what all may have; it gives them back at the end."""

    def __init__(self, bodies: "Bodies") -> None:
        self._bodies, self.bytes = bodies, 0

    def __enter__(self) -> "Share":
        return self

    def __exit__(self, *_: object) -> None:
        self._bodies.bytes -= self.bytes


class Bodies:
    """Reads bodies; `bytes` are those of all requests that are in the server."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self.bytes = limits, 0

    def share(self) -> Share:
        """Return the share of one request, to be used within a `with`."""
        return Share(self)

    async def read(self, headers: Mapping[str, str], receive: Receive, share: Share) -> bytes:
        """Return the body, unpacked; `Refusal` for one that is too large or broken."""
        coding = headers.get("content-encoding", "identity").strip().lower()
        if coding not in CODINGS:
            raise Refusal(
                415,
                "Validation",
                f"content-encoding {coding[:40]!r}: send {' or '.join(CODINGS)}",
                headers={"connection": "close", "accept-encoding": "gzip"},
            )
        declared = headers.get("content-length", "0")
        self._take(int(declared) if declared.isdecimal() else 0, share)
        packed = await self._received(receive, share)
        return packed if coding == "identity" else self._unpacked(packed, share)

    def _take(self, n_bytes: int, share: Share) -> None:
        """Let a request have at least `n_bytes` of the limit of all."""
        if n_bytes > self._limits.max_body_bytes:
            raise too_large(f"a body of {n_bytes} bytes: at most {self._limits.max_body_bytes}")
        more = max(0, n_bytes - share.bytes)
        if self.bytes + more > self._limits.max_bytes:
            refusal = overloaded(f"{self.bytes} bytes of bodies are worked on", 1)
            refusal.headers["connection"] = "close"
            raise refusal
        self.bytes, share.bytes = self.bytes + more, share.bytes + more

    async def _received(self, receive: Receive, share: Share) -> bytes:
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientLeftError
            body += message.get("body", b"")
            self._take(len(body), share)
            more = message.get("more_body", False)
        return bytes(body)

    def _unpacked(self, packed: bytes, share: Share) -> bytes:
        unpacker, body, left = zlib.decompressobj(GZIP), bytearray(), packed
        sent = share.bytes
        try:
            while left and not unpacker.eof:
                body += unpacker.decompress(left, STEP)
                left = unpacker.unconsumed_tail
                if len(body) > self._limits.max_body_bytes:
                    raise too_large(
                        f"a body that unpacks to more than {self._limits.max_body_bytes} bytes"
                    )
                self._take(sent + len(body), share)
            body += unpacker.flush()
        except zlib.error as error:
            raise Refusal(400, "Validation", f"the body is no gzip: {error}") from error
        if not unpacker.eof or unpacker.unused_data:
            raise Refusal(400, "Validation", "the body is not one whole member of gzip")
        return bytes(body)
