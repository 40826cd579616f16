"""Requests to a model server: kept alive, sent again while that may help, never for ever."""

import os
import random
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson
import urllib3
from urllib3.exceptions import HTTPError, LocationParseError, SSLError

from ..connection import TRANSIENT, Connection, seconds_of, tls_context
from ..errors import ModelServerError
from .breaker import Breaker
from .timely import POOLS

UNFIT = frozenset({413, 422})
"""Statuses that are the fault of a text: it is too long, or no Unicode."""
CONNECTIONS = 8
LEAST_S = 0.1
"""The least time that a reply is given, however soon patience ends."""
STEP = 65_536
"""Bytes of a reply that are read between two looks at the time."""
BROKEN = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""Errors of TLS that a server has which ends, or a balancer with nobody behind it."""
SHOWN = 300
"""Characters of a reply that an error repeats."""


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for: for each reply, and with all that is sent again.

    `waits`: also while calls are not to follow one that has given up; else they fail at once.
    """

    total_s: float
    reply_s: float
    first_pause_s: float = 0.1
    max_pause_s: float = 10.0
    waits: bool = False

    def pauses(self) -> Iterator[float]:
        """Yield the seconds before the second try, the third, and so on; never the last."""
        pause = self.first_pause_s
        while True:
            yield pause * random.uniform(0.5, 1.0)  # callers must not come back in step
            pause = min(self.max_pause_s, 2 * pause)


class Requests:
    """Sends requests to one server, from any number of threads and after a fork."""

    def __init__(self, connection: Connection, *, cooldown_s: float) -> None:
        if len(connection.urls) != 1:
            raise ValueError(
                f"address {connection.address!r}: a model server has one; several stand behind a "
                "balancer"
            )
        self.url = connection.urls[0].rstrip("/")
        self._connection, self._breaker = connection, Breaker(cooldown_s)
        self._cooldown_s = cooldown_s
        self._headers = {"content-type": "application/json", "accept": "application/json"}
        if connection.bearer_token:
            self._headers["authorization"] = f"Bearer {connection.bearer_token}"
        self._pool, self._process = self._new_pool(), os.getpid()

    def get(self, path: str, headers: Mapping[str, str], patience: Patience) -> Any:  # noqa: ANN401  # JSON
        """Return the JSON at a path; `ModelServerError` as `post` raises it."""
        return self._retried("GET", path, None, headers, patience)

    def post(
        self, path: str, content: object, headers: Mapping[str, str], patience: Patience
    ) -> Any:  # noqa: ANN401  # JSON
        """Return the JSON that answers some.

        `ValueError` if the server cannot read the texts, `ModelServerError` if it does not answer
        in time, or refuses.
        """
        try:
            body = orjson.dumps(content)
        except orjson.JSONEncodeError as error:
            raise ValueError(f"a text cannot be sent: {error}") from error
        return self._retried("POST", path, body, headers, patience)

    def _retried(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        patience: Patience,
    ) -> Any:  # noqa: ANN401  # JSON
        end, asked_s = time.monotonic() + patience.total_s, 0.0
        self._admit(end, patience)
        for pause in patience.pauses():
            try:
                reply_s = min(patience.reply_s, max(LEAST_S, end - time.monotonic()))
                status, told, found = self._once(method, path, body, headers, reply_s)
            except (HTTPError, orjson.JSONDecodeError) as error:
                failure, asked_s = self._no_answer(error), 0.0
                if _lasts(error):
                    break
            else:
                if status not in TRANSIENT:
                    self._breaker.close()
                    return self._read(status, found)
                failure, asked_s = self._said(status, found), seconds_of(told)
            if (wait := max(pause, asked_s)) >= end - time.monotonic():
                break
            time.sleep(wait)
        reason = f"{failure}{_later(asked_s)}. Is it up, and its address and load right?"
        self._breaker.open(reason)
        raise ModelServerError(reason)

    def _admit(self, end: float, patience: Patience) -> None:
        """Return once a call may be tried, though one has given up; `ModelServerError` if never."""
        while reason := self._breaker.refusal():
            if not patience.waits or time.monotonic() + self._cooldown_s >= end:
                raise ModelServerError(f"{reason} (it is not asked again for a moment)")
            time.sleep(self._cooldown_s / 10)

    def _once(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        reply_s: float,
    ) -> tuple[int, str | None, Any]:
        if self._process != os.getpid():  # a forked process must not share its parent's sockets
            self._pool, self._process = self._new_pool(), os.getpid()
        end = time.monotonic() + reply_s
        reply = self._pool.request(
            method,
            self.url + path,
            body=body,
            headers=self._headers | dict(headers),
            timeout=urllib3.Timeout(connect=min(10.0, reply_s), read=reply_s),
            redirect=False,  # urllib3 would read the place, and raise what is no error of ours
            preload_content=False,
        )
        data = _whole(reply, end)
        try:
            found = orjson.loads(data)
        except orjson.JSONDecodeError:
            if reply.status == 200:
                raise
            found = data.decode(errors="replace")
        if place := reply.get_redirect_location():
            found = f"ask {place} instead"
        return reply.status, reply.headers.get("retry-after"), found

    def _read(self, status: int, found: Any) -> Any:  # noqa: ANN401  # JSON
        if status == 200:
            return found
        if status in UNFIT:
            raise ValueError(self._said(status, found))
        raise ModelServerError(f"{self._said(status, found)}{HELP.get(status, '')}")

    def _said(self, status: int, found: Any) -> str:  # noqa: ANN401  # JSON
        reason = found.get("error", found) if isinstance(found, dict) else found
        return f"the model server {self.url} answers {status}: {str(reason)[:SHOWN]}"

    def _no_answer(self, error: Exception) -> str:
        """Return how a try has failed; `ValueError` if there can be no such address."""
        if isinstance(error, LocationParseError):
            raise ValueError(f"address {self.url}: {error}") from error
        if isinstance(error, orjson.JSONDecodeError):
            return f"the model server {self.url} answers no JSON ({error})"
        cause = getattr(error, "reason", None) or error
        return f"the model server {self.url} does not answer ({cause})"

    def _new_pool(self) -> urllib3.PoolManager:
        options: dict[str, Any] = {"maxsize": CONNECTIONS, "retries": False}
        if self.url.startswith("https:"):
            options["ssl_context"] = tls_context(self._connection)
        try:
            if proxy := self._connection.proxy:
                login = urllib3.util.parse_url(proxy).auth  # urllib3 passes it over
                sent = urllib3.make_headers(proxy_basic_auth=unquote(login)) if login else None
                made: urllib3.PoolManager = urllib3.ProxyManager(
                    proxy, proxy_headers=sent, **options
                )
            else:
                made = urllib3.PoolManager(**options)
        except LocationParseError as error:
            raise ValueError(f"proxy: {error}") from error
        made.pool_classes_by_scheme = POOLS
        return made


def _later(asked_s: float) -> str:
    return f" (it asks to come again in {asked_s:.0f} s)" if asked_s else ""


def _lasts(error: Exception) -> bool:
    """Return whether a try is in vain: a certificate does not mend itself, a broken line does."""
    cause = getattr(error, "reason", error)
    return isinstance(cause, SSLError) and not isinstance(cause.args[0], BROKEN)


def _whole(reply: urllib3.BaseHTTPResponse, end: float) -> bytes:
    """Return a body; a time out ends each wait for a part of it, and `end` (monotonic) them all."""
    data = bytearray()
    while part := reply.read1(STEP):
        data += part
        if time.monotonic() > end:
            reply.close()
            raise HTTPError(f"its reply of {len(data)} bytes so far came too slowly")
    return bytes(data)


HELP: Mapping[int, str] = {
    401: ". Give its token by SPLARE_SERVER_BEARER_TOKEN, which goes to SPLARE_SERVER_URL alone "
    "where that is set",
    403: ". Give a token that may do that by SPLARE_SERVER_BEARER_TOKEN",
    407: ". Give the proxy's user and password in SPLARE_SERVER_PROXY (http://user:password@…)",
    409: ". Load the encoder anew if that is wanted",
}
"""What helps against a refusal."""
