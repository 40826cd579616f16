"""The searches that were sent to the cluster, as curl would send them."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from opensearchpy import Transport

from ..search.request.request import Request

_sent: ContextVar[list[Request] | None] = ContextVar("sent", default=None)


class NotingTransport(Transport):
    """A transport that notes what it sends, for whoever asks by `noted`."""

    def perform_request(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Send a request."""
        if (sent := _sent.get()) is not None:
            sent.append(Request.of(*args, **kwargs))
        return super().perform_request(*args, **kwargs)


@contextmanager
def noted() -> Iterator[list[Request]]:
    """Give the requests that the block sends, in their order; those of other threads are not."""
    sent: list[Request] = []
    before = _sent.set(sent)
    try:
        yield sent
    finally:
        _sent.reset(before)


def searches(sent: list[Request], index: str) -> list[Request]:
    """Return the requests that search an index; looks at mappings and statistics are none."""
    wanted = {f"/{index}/_search", "/_msearch"}
    return [one for one in sent if unquote(one.url.partition("?")[0]) in wanted]


def curl(request: Request, address: str) -> str:
    """Return the command that sends a request to the cluster at `address`; without credentials.

    What stands before the host in an address, a name and a password, is left out.
    """
    place = urlsplit(address)
    host = place.netloc.rpartition("@")[2]
    params = urlencode({key: str(value) for key, value in (request.params or {}).items()})
    path = quote(unquote(request.url), safe="/*,-_.")
    url = f"{place.scheme}://{host}{place.path.rstrip('/')}{path}" + (params and f"?{params}")
    kind, content = _content(request.body)
    return (
        f"curl -sS -X {request.method} {shlex.quote(url)} \\\n"
        f"  -H 'content-type: application/{kind}' \\\n"
        f"  --data-binary {shlex.quote(content)}"
    )


def _content(body: Any) -> tuple[str, str]:  # noqa: ANN401  # JSON, or lines of it
    if isinstance(body, str):
        return "x-ndjson", body
    return "json", json.dumps(body, ensure_ascii=False, indent=1)
