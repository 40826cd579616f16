"""Connections on which the head of a reply, too, has to come within the time that a reply has.

A time out of a socket ends each wait for some bytes, and so never a head that drips.
"""

import http.client
import time
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection


class TimelyHead:
    """The lines of a stream, as long as there is time (monotonic) for them."""

    def __init__(self, stream: Any, end: float) -> None:  # noqa: ANN401  # io.BufferedReader
        self._stream, self._end = stream, end

    def readline(self, limit: int) -> bytes:
        """Return a line, or `limit` bytes of it; `TimeoutError` where it comes too late."""
        line = b""
        while len(line) < limit and not line.endswith(b"\n"):
            there = self._stream.peek(1)[: limit - len(line)]
            if time.monotonic() > self._end:
                raise TimeoutError("the head of a reply came too slowly")
            if not there:
                break
            line += self._stream.read(there.find(b"\n") + 1 or len(there))
        return line

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


class TimelyResponse(http.client.HTTPResponse):
    """A reply whose head has as long as its socket has patience for some bytes."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # http.client's
        super().__init__(sock, *args, **kwargs)
        self._patience_s = sock.gettimeout()

    def begin(self) -> None:
        """Read the head."""
        stream: Any = self.fp
        if self._patience_s is not None:
            head: Any = TimelyHead(stream, time.monotonic() + self._patience_s)
            self.fp = head
        try:
            super().begin()
        finally:
            if self.fp is not None:
                self.fp = stream


class _Connection(HTTPConnection):
    response_class = TimelyResponse


class _TlsConnection(HTTPSConnection):
    response_class = TimelyResponse


class TimelyPool(urllib3.HTTPConnectionPool):
    """Connections to one server."""

    ConnectionCls = _Connection


class TimelyTlsPool(urllib3.HTTPSConnectionPool):
    """Connections to one server, by TLS."""

    ConnectionCls = _TlsConnection


POOLS = {"http": TimelyPool, "https": TimelyTlsPool}
"""What a `urllib3.PoolManager` takes as `pool_classes_by_scheme`."""
