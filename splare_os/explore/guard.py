"""Who may ask at all: no page of others, no name that is not this server's; and what replies say.

A browser runs pages of strangers beside ours. Such a page may have its own name point at this
address (DNS rebinding): the Host header tells. It may send requests from its own origin: Origin and
Sec-Fetch-Site tell, and JSON is a kind of body that a form cannot send.
"""

import re
from collections.abc import Collection, Mapping
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..serve.gate import Reply
from ..serve.refusal import Refusal

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
API = "/api/"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Scripts and styles of ours alone, and no text that becomes markup, whoever tries."""

HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a server that listens at `host`."""
    return host in LOOPBACK


class Guard:
    """Stands before everything; `names` are those of this server, besides its bare addresses.

    `is_local`: it listens on loopback, where every process of this machine may ask; then only
    loopback's names are let in. Elsewhere a bare address is no name that could be rebound.
    """

    def __init__(self, app: ASGIApp, *, names: Collection[str], is_local: bool) -> None:
        self._app, self._is_local = app, is_local
        self._names = LOOPBACK | {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it; replies get the headers that keep a browser safe."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                headers.update(HEADERS)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            self._check(scope, Headers(scope=scope))
        except Refusal as refusal:
            await Reply(sealed).refuse(refusal)
            return
        await self._app(scope, receive, sealed)

    def _check(self, scope: Scope, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            told = ", ".join(hosts)[:100]
            raise _forbidden(f"{told!r} is no name of this server: ask for it with --public-name")
        if not scope["path"].startswith(API):
            return
        site = headers.get("sec-fetch-site", "same-origin")
        if site not in {"same-origin", "none"}:
            raise _forbidden(f"a page of another site asks (sec-fetch-site: {site[:20]})")
        for origin in headers.getlist("origin"):
            if origin.partition("://")[2].lower() != hosts[0].lower():
                raise _forbidden(f"a page of another origin asks: {origin[:100]!r}")
        if scope["method"] == "POST":
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                raise Refusal(415, "Validation", f"content-type {kind[:40]!r}: send JSON")

    def _is_ours(self, host: str) -> bool:
        found = HOST.fullmatch(host)
        if found is None:
            return False
        name = found["name"].strip("[]").lower()
        return name in self._names or (not self._is_local and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _forbidden(reason: str) -> Refusal:
    return Refusal(403, "Forbidden", reason)
