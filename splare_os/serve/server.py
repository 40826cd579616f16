"""A server that listens until it is told to end: uvicorn with our application and bounds."""

import gc
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from ..errors import ServerError, SplareError
from .app import make_app
from .connections import bounded
from .fields import Fields
from .limits import Limits
from .service import Load, Service

BACKLOG = 2048
MOST_PORT = 65_535
SWITCH_S = 0.0005
"""Threads take turns so often. Python's 5 ms are about what a query is encoded in."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
NEW_OBJECTS = 50_000
"""Cycles are looked for after so many. Python's 700 are those of one batch of queries."""


@dataclass(frozen=True)
class Address:
    """Where a server listens; port 0: a free one. With a certificate (PEM) it speaks TLS."""

    host: str = "127.0.0.1"
    port: int = 8080
    certificate: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be an address."""
        if not 0 <= self.port <= MOST_PORT:
            raise ValueError(f"port={self.port}: give one from 0 (a free one) to {MOST_PORT}")
        if self.key and not self.certificate:
            raise ValueError(f"key={self.key!r}: give its certificate too")


def serve(
    load: Load,
    address: Address,
    limits: Limits,
    *,
    token: str | None = None,
    fields: Fields | None = None,
    on_ready: Callable[[str, Service], None] = lambda *_: None,
) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; what is there is answered, for `limits.drain_s`.

    `on_ready` is told the address and the service once the model is warm. Raises `ServerError` if
    the address is taken, and what loading the model raises.
    """
    listener, url = listen(address)

    def ready(service: Service) -> None:
        gc.collect()
        gc.freeze()  # what was loaded stays: who waits for a look for cycles there waits long
        on_ready(url, service)

    service = Service(load, limits, fields=fields, on_ready=ready)
    app = make_app(service, token=token, on_end=lambda: setattr(server, "should_exit", True))
    server = uvicorn.Server(_config(app, address, limits))
    _run(server, listener)
    if isinstance(service.failure, SplareError | ValueError):
        raise service.failure
    if service.failure is not None:
        what = f"{type(service.failure).__name__}: {service.failure}"
        raise ServerError(f"the model cannot be served: {what}") from service.failure


def run_app(app: ASGIApp, listener: socket.socket, address: Address, limits: Limits) -> None:
    """Have an application answer who comes to `listener`, until SIGTERM, SIGINT or SIGHUP."""
    _run(uvicorn.Server(_config(app, address, limits)), listener)


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    with _signals_heard(server), _in_short_turns(), _seldom_collecting():
        server.run(sockets=[listener])


def listen(address: Address) -> tuple[socket.socket, str]:
    """Return what listens at an address, and its URL; `ServerError` if that cannot be."""
    _require_certificate(address)
    listener = _listener(address)
    scheme, host = "https" if address.certificate else "http", address.host
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    return listener, url


def _require_certificate(address: Address) -> None:
    """Raise `ServerError` unless TLS can be spoken, or is not to be."""
    if address.certificate is None:
        return
    try:  # a password, as nobody is there to be asked for one
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(address.certificate, address.key, password="")
    except OSError as error:
        raise ServerError(
            f"certificate {address.certificate} cannot be used ({error}): give a PEM file of it "
            "and its chain, with its key, without a pass phrase, in that file or another (--key)"
        ) from error


def _listener(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server(
            (address.host, address.port), family=family, backlog=BACKLOG, reuse_port=False
        )
    except OSError as error:
        raise ServerError(
            f"{address.host}:{address.port} cannot be listened on ({error}): choose another "
            "port, or host"
        ) from error


def _config(app: ASGIApp, address: Address, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=bounded(limits),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=limits.keep_alive_s,
        timeout_graceful_shutdown=limits.drain_s,
        ssl_certfile=address.certificate,
        ssl_keyfile=address.key,
        proxy_headers=False,  # who asks, and by which scheme, changes no answer
    )


@contextmanager
def _signals_heard(server: uvicorn.Server) -> Iterator[None]:
    """Let no signal end the process before the server has ended; those ignored before stay so.

    Uvicorn ends by SIGINT and SIGTERM, and raises them again. SIGHUP, of a terminal that is closed,
    ends as they do. There is nothing to be read anew by SIGUSR1 and SIGUSR2.
    """

    def end(number: int, _: object) -> None:
        server.should_exit |= number == signal.SIGHUP

    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _in_short_turns() -> Iterator[None]:
    """Let an encoder's thread go on soon after each operation: it would wait for whole requests."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Let requests come and go without a look for cycles, of which they leave none."""
    before = gc.get_threshold()
    gc.set_threshold(NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
