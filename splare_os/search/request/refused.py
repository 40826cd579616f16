"""Searches of an `_msearch` that are refused here: an error in their place, as servers have it."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from opensearchpy import AuthorizationException, RequestError, TransportError

from ...errors import MappingError, SteeringError
from ...reply import replies_of
from ..query.query import Dsl
from .rewritten import Finish

REFUSALS = (ValueError, MappingError, SteeringError, AuthorizationException, RequestError)
"""What one search is refused for, by us or by the cluster when it is asked about its index; all
else ails the model, the cluster, or the whole request."""


def error_reply(error: Exception) -> Dsl:
    """Return the reply to a search that is refused, in the shape of a server's, or its very own.

    >>> error_reply(ValueError("no such thing"))["error"]["root_cause"]
    [{'type': 'value_error', 'reason': 'no such thing'}]
    """
    told = {"type": _kind(error), "reason": str(error)}
    if not isinstance(error, TransportError):
        return {"error": {"root_cause": [told], **told}, "status": HTTPStatus.BAD_REQUEST.value}
    info: Any = error.info if isinstance(error.info, Mapping) else {}
    found = info.get("error")
    if isinstance(found, Mapping) and "type" in found:  # a gateway's may be of any other shape
        return {**info, "status": error.status_code}
    return {"error": {"root_cause": [told], **told}, "status": error.status_code}


def _kind(error: Exception) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()


def is_error(reply: Mapping[str, Any]) -> bool:
    """Return whether a reply is that of a search that failed, also where its error is hidden."""
    status = reply.get("status")
    return "error" in reply or (isinstance(status, int) and status >= HTTPStatus.BAD_REQUEST)


def with_refusals(finish: Finish, refused: Mapping[int, Exception], n_searches: int) -> Finish:
    """Return what finishes replies as `finish` does, those of the searches `refused` errors."""

    def finished(reply: Any) -> Any:  # noqa: ANN401  # what a server says
        done = finish(reply)
        if not isinstance(done, Mapping) or "responses" not in done:  # all of it is refused
            return done
        replies = enumerate(replies_of(done, n_searches))
        told = [error_reply(refused[n]) if n in refused else one for n, one in replies]
        return {**done, "responses": told}

    return finished
