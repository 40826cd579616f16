"""Refusals as errors: `Retry-After`, which opensearch-py leaves behind, is kept with them.

And JSON of which it makes no error at all, as gateways answer, is text.
"""

import json
import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from opensearchpy import RequestsHttpConnection, TransportError, Urllib3HttpConnection

LONGEST_S = 300.0
"""No gateway is believed to want longer."""

RETRY_AFTER = "retry-after"
PLAIN_TEXT = "text/plain"


class Urllib3Connection(Urllib3HttpConnection):
    """A connection whose errors carry `retry_after_s`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self._told = threading.local()
        self.pool.urlopen = partial(self._noted, self.pool.urlopen)

    def _noted(self, urlopen: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        response = urlopen(*args, **kwargs)
        self._told.value = response.headers.get(RETRY_AFTER)
        return response

    def _raise_error(
        self, status_code: int, raw_data: str | bytes, content_type: str | None = None
    ) -> None:
        refuse(super()._raise_error, status_code, raw_data, content_type, self._told.value)


class RequestsConnection(RequestsHttpConnection):
    """The same by requests, which knows proxies."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self._told = threading.local()
        self.session.hooks["response"].append(self._note)

    def _note(self, response: Any, *_: Any, **__: Any) -> None:  # noqa: ANN401
        self._told.value = response.headers.get(RETRY_AFTER)

    def _raise_error(
        self, status_code: int, raw_data: str | bytes, content_type: str | None = None
    ) -> None:
        refuse(super()._raise_error, status_code, raw_data, content_type, self._told.value)


def refuse(
    raise_error: Callable[..., None],
    status: int,
    body: str | bytes,
    content_type: str | None,
    told: str | None,
) -> None:
    """Raise what `raise_error` makes of a refusal, with what the header told as `retry_after_s`."""
    try:
        raise_error(status, body, content_type if is_readable(body) else PLAIN_TEXT)
    except TransportError as error:
        error.retry_after_s = seconds_of(told)  # type: ignore[attr-defined]
        raise


def is_readable(body: str | bytes) -> bool:
    """Return whether opensearch-py makes an error of a refusal's JSON, and text of that error.

    >>> is_readable('{"error": "busy"}'), is_readable("<html>"), is_readable("[]")
    (True, True, False)
    """
    try:
        found = json.loads(body)
    except ValueError:  # it takes what is no JSON as text itself
        return True
    try:
        _ = str(TransportError(0, "", found))
    except (AttributeError, TypeError):
        return False
    return isinstance(found, dict)


def retry_after_s(error: BaseException) -> float:
    """Return how long a refusal asks to wait, in seconds; 0: it does not."""
    return float(getattr(error, "retry_after_s", 0.0))


def seconds_of(told: str | None) -> float:
    """Return the seconds that a `Retry-After` tells, at most `LONGEST_S` (RFC 9110, 10.2.3).

    >>> seconds_of("7"), seconds_of("86400"), seconds_of(None), seconds_of("soon")
    (7.0, 300.0, 0.0, 0.0)
    """
    if told is None:
        return 0.0
    if told.strip().isdecimal():
        return min(LONGEST_S, float(told))
    try:
        left = parsedate_to_datetime(told).timestamp() - time.time()
    except ValueError:
        return 0.0
    return min(LONGEST_S, max(0.0, left))
