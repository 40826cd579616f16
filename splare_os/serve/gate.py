"""What every request passes: who asks, whether there is room, its body, and how long it may take.

A caller that leaves is noticed, and its work dropped. What went wrong is told to the caller; the
log has the kind of an error and where it was, never a text.
"""

import asyncio
import hmac
import logging
import time
from collections.abc import Awaitable, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .bodies import Bodies
from .limits import Limits
from .metrics import SECONDS, Registry
from .refusal import Refusal, failed, later, overloaded
from .watch import ClientLeftError, Watch

logger = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/health", "/ready", "/docs", "/openapi.json"})
"""What needs no token: probes, and what this server can."""
CLIENT_LEFT = 499
"""The status that is counted, and never sent; nginx's."""


class Reply:
    """Sends a reply, and remembers its status; 0: none has begun."""

    def __init__(self, send: Send) -> None:
        self._send, self.status = send, 0

    def send(self, message: Message) -> Awaitable[None]:
        """Pass a part of the reply on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        return self._send(message)

    async def refuse(self, refusal: Refusal) -> None:
        """Send an error, unless a reply has begun."""
        if self.status:
            return
        start: Message = {"type": "http.response.start", "status": refusal.status, "headers": []}
        headers = MutableHeaders(raw=start["headers"])
        headers.update({"content-type": "application/json"} | refusal.headers)
        headers["content-length"] = str(len(refusal.body))
        await self.send(start)
        await self.send({"type": "http.response.body", "body": refusal.body})


class Gate:
    """Stands before an application; `token` None: everybody may ask.

    `routes` are the paths that metrics name; all others are counted as one.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: Limits,
        registry: Registry,
        token: str | None,
        routes: Sequence[str],
    ) -> None:
        self._app, self._limits, self._token = app, limits, token
        self._routes, self._bodies, self._n_requests = frozenset(routes), Bodies(limits), 0
        self._requests = registry.counter(
            "splare_requests_total", "Requests answered.", ["route", "status"]
        )
        self._seconds = registry.histogram(
            "splare_request_seconds", "How long a request with texts took.", SECONDS
        )
        registry.gauge("splare_open_requests", "Requests in the server.", lambda: self._n_requests)
        registry.gauge("splare_body_bytes", "Bytes of their bodies.", lambda: self._bodies.bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; everything else is the application's."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, reply = time.perf_counter(), Reply(send)
        self._n_requests += 1
        try:
            await self._answer(scope, receive, reply)
        except Refusal as refusal:
            await reply.refuse(refusal)
        except asyncio.CancelledError:  # the end comes, and waits no longer
            await reply.refuse(later(503, "Unhealthy", "the server ends"))
        except ClientLeftError:
            reply.status = reply.status or CLIENT_LEFT
        except Exception as error:  # noqa: BLE001  # a caller's texts must not reach the log
            logger.error("request failed path=%s %s", self._route(scope), _place(error))
            await reply.refuse(failed())
        finally:
            self._n_requests -= 1
            self._requests.add(1, self._route(scope), str(reply.status))
            if scope["method"] == "POST":
                self._seconds.observe(time.perf_counter() - start)

    def _route(self, scope: Scope) -> str:
        return scope["path"] if scope["path"] in self._routes else "other"

    async def _answer(self, scope: Scope, receive: Receive, reply: Reply) -> None:
        headers = Headers(scope=scope)
        if scope["path"] not in OPEN_PATHS:
            self._admit(headers)
        if scope["method"] in {"GET", "HEAD"}:
            await self._app(scope, receive, reply.send)
            return
        if self._n_requests > self._limits.max_requests:
            refusal = overloaded(f"{self._limits.max_requests} requests are worked on", 1)
            refusal.headers["connection"] = "close"
            raise refusal
        with self._bodies.share() as share, Watch(scope) as watch:
            watch.within(self._limits.body_timeout_s, self._slow_body)
            body = await self._bodies.read(headers, receive, share)
            watch.within(self._limits.timeout_s, self._late)
            await self._app(_unpacked(scope, headers), _told(body), reply.send)

    def _admit(self, headers: Headers) -> None:
        if self._token is None:
            return
        kind, _, given = headers.get("authorization", "").partition(" ")
        is_right = hmac.compare_digest(given.strip().encode(), self._token.encode())
        if kind.lower() != "bearer" or not is_right:
            raise Refusal(
                401,
                "Unauthorized",
                "give the server's token: Authorization: Bearer …",
                headers={"www-authenticate": "Bearer", "connection": "close"},
            )

    def _slow_body(self) -> Refusal:
        reason = f"no whole body in {self._limits.body_timeout_s:g} s"
        return Refusal(408, "Timeout", reason, headers={"connection": "close"})

    def _late(self) -> Refusal:
        return later(504, "Timeout", f"no answer in {self._limits.timeout_s:g} s")


def _told(body: bytes) -> Receive:
    """Return what gives the application the body that was read."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _unpacked(scope: Scope, headers: Headers) -> Scope:
    """Return the scope of a request whose body is unpacked."""
    if "content-encoding" not in headers:
        return scope
    gone = {b"content-encoding", b"content-length", b"transfer-encoding"}
    return {**scope, "headers": [pair for pair in scope["headers"] if pair[0] not in gone]}


def _place(error: BaseException) -> str:
    """Return the kind of an error and the line that raised it; its message may hold a text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "?" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return f"error={type(error).__name__} at={where}"
