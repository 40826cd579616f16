"""Connections that nobody can hold by sending slowly, or nothing, or headers without end."""

from asyncio import TimerHandle, Transport
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .limits import Limits


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with bounds: how late and how large headers are, and how many connect.

    Bodies are bounded by the gate; a client that does not read its reply is cut off when its
    connection would be kept alive no longer.
    """

    limits: ClassVar[Limits] = Limits()
    _waiting: TimerHandle | None = None
    _is_in_headers = False
    _n_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            self.transport.abort()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Count the bytes of headers from here."""
        super().on_message_begin()
        self._is_in_headers, self._n_bytes = True, 0

    def on_headers_complete(self) -> None:
        """Let the body be the gate's matter."""
        self._is_in_headers = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Read on, and have the rest of the headers come in time."""
        super().data_received(data)
        if self._is_in_headers:
            self._n_bytes += len(data)
            if self._n_bytes > self.limits.max_header_bytes:
                self.transport.abort()
        if self.cycle is None or self.cycle.response_complete:
            self._wait()
        else:
            self._wait_no_more()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, and one whose reply nobody reads."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

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
