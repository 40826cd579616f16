"""Connections that nobody can hold by sending slowly, or nothing, or headers without end."""

from asyncio import TimerHandle, Transport
from typing import Any, ClassVar

from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .limits import Limits
from .watch import CALLER, Caller

MOST_AHEAD = 64
"""Requests that a connection may send before the first of them is answered."""

GOODBYE_S = 1.0
"""How long a client is waited for that has to agree to an end of TLS; asyncio waits 30 s."""


class SteadyParser(HttpRequestParser):
    """Reads HTTP on where a client offers another protocol, which may be ignored (RFC 9110, 7.8).

    Java's own client offers `h2c` with every first request; the plain parser drops its body.
    """

    def __init__(self, protocol: "BoundedProtocol") -> None:
        super().__init__(protocol)
        self._protocol = protocol
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's has

    @property
    def is_offered(self) -> bool:
        """Whether the request offers another protocol; CONNECT asks for one, and is no offer."""
        return self.should_upgrade() and self.get_method() != b"CONNECT"

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]
        """Read on; a request with an offer is read anew without it."""
        try:
            super().feed_data(data)
        except HttpParserUpgrade as offer:
            if not self.is_offered:
                raise
            self.feed_data(self._protocol.head_without_offer() + data[offer.args[0] :])


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with bounds: how late and how large headers are, and how many connect.

    Bodies are bounded by the gate; a client that does not read its reply is cut off when its
    connection would be kept alive no longer.
    """

    limits: ClassVar[Limits] = Limits()
    _waiting: TimerHandle | None = None
    _n_bytes = 0
    _is_told = False
    parser: SteadyParser

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.parser = SteadyParser(self)
        self._caller = Caller()

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            self.transport.abort()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more, and say so to the request that is being answered."""
        self._wait_no_more()
        super().connection_lost(exc)
        self._caller.leave()

    def on_message_begin(self) -> None:
        """Count the bytes of headers from here, those of trailers among them."""
        super().on_message_begin()
        self.scope["state"][CALLER] = self._caller  # the state is a copy for each request
        self._is_told, self._n_bytes = True, 0

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a trailer."""
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """Begin to answer, unless the headers are to be read anew."""
        if not self.parser.is_offered:
            super().on_headers_complete()
        if len(self.pipeline) > MOST_AHEAD:
            self.transport.abort()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, which the gate bounds."""
        super().on_body(body)
        self._is_told = True

    def on_message_complete(self) -> None:
        """End a request, unless it is to be read anew."""
        if not self.parser.is_offered:
            super().on_message_complete()

    def head_without_offer(self) -> bytes:
        """Return the head that was read, without what offers another protocol."""
        first = b"%b %b HTTP/%b" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode(),
        )
        kept = [pair for pair in self.headers if pair[0] not in {b"upgrade", b"connection"}]
        return b"\r\n".join([first, *(b"%b: %b" % pair for pair in kept), b"", b""])

    def data_received(self, data: bytes) -> None:
        """Read on, and have the rest of the headers come in time."""
        self._is_told = False
        super().data_received(data)
        if not self._is_told:  # all of it is in the middle of one header
            self._count(len(data))
        if self.cycle is None or self.cycle.response_complete:
            self._wait()
        else:
            self._wait_no_more()

    def on_response_complete(self) -> None:
        """Go on with the next request, unless this was the last."""
        super().on_response_complete()
        self._part()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, and one whose reply nobody reads."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()
        self._part()

    def shutdown(self) -> None:
        """Close an idle connection, and another once it is answered."""
        super().shutdown()
        self._part()

    def _part(self) -> None:
        """Have a connection that is being closed end soon, whether its client agrees or not."""
        if self.transport.is_closing():
            self.loop.call_later(GOODBYE_S, self._abort_if_read)

    def _abort_if_read(self) -> None:
        if not self.transport.get_write_buffer_size():
            self.transport.abort()

    def _count(self, n_bytes: int) -> None:
        self._is_told, self._n_bytes = True, self._n_bytes + n_bytes
        if self._n_bytes > self.limits.max_header_bytes:
            self.transport.abort()

    def _wait(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(self.limits.header_timeout_s, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def bounded(limits: Limits) -> type[BoundedProtocol]:
    """Return the protocol with these bounds."""
    return type("Bounded", (BoundedProtocol,), {"limits": limits})
