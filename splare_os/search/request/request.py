"""A request as a client hands it to its transport."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import orjson
from opensearchpy.serializer import JSONSerializer

from .rewritten import Rewritten

POSITIONS = ("params", "body", "timeout", "ignore", "headers")
"""Names of what opensearch-py's transports take after method and path, in their order."""

OF_SOURCE = ("source", "source_content_type")
"""Parameters that are a body, and say of what kind it is."""

AS_IT_IS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
"""Nothing is written that is no JSON: that is for opensearch-py to refuse."""


@dataclass(frozen=True)
class Request:
    """`arguments` are those that were given, by name: a transport of others may know no more."""

    method: str
    url: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, method: str, url: str, *args: Any, **kwargs: Any) -> "Request":  # noqa: ANN401
        """Return the request that the arguments of `perform_request` are."""
        return cls(method, url, {**dict(zip(POSITIONS, args, strict=False)), **kwargs})

    @property
    def path(self) -> str:
        """The address without parameters."""
        return self.url.partition("?")[0]

    @property
    def params(self) -> Mapping[str, Any] | None:
        """Parameters, those that stand in the address too."""
        return self._asked[0]

    @property
    def body(self) -> Any:  # noqa: ANN401  # what a user hands in
        """The body, before it is text, or the parameter that stands for it."""
        return self._asked[1]

    @cached_property
    def _asked(self) -> tuple[Mapping[str, Any] | None, Any]:
        params, body = self.arguments.get("params"), self.arguments.get("body")
        told = self.url.partition("?")[2].replace(";", "&")  # servers take either
        if in_url := parse_qsl(told, keep_blank_values=True):
            params = {**dict(in_url), **(params or {})}
        if not body and params and "source" in params:
            body = params["source"]
            params = {key: one for key, one in params.items() if key not in OF_SOURCE}
        return params, body

    @property
    def sending(self) -> Mapping[str, Any]:
        """The arguments, once more: a transport takes options out of the parameters."""
        params = self.arguments.get("params")
        return {**self.arguments, "params": dict(params)} if params else self.arguments

    @property
    def headers(self) -> Mapping[str, str] | None:
        """Headers of this request alone."""
        return self.arguments.get("headers")

    def with_content(self, made: Rewritten, transport: object) -> "Request":
        """Return the request with parameters and body as the cluster is to see them.

        Where `transport` makes a parameter of a GET's body a rewritten one is posted: it outgrows
        what servers take of an address. Where it only hands a body on, it gets that as JSON.
        """
        if made.params is self.params and made.body is self.body:
            return self
        wanted, given = {"params": made.params, "body": made.body}, self.arguments
        changed = {name: one for name, one in wanted.items() if one is not given.get(name)}
        is_line = getattr(transport, "send_get_body_as", None) == "source"
        outgrows = is_line and self.method == "GET" and "body" in changed
        if "body" in changed and _hands_on(transport):
            changed["body"] = as_json(made.body)
        method = "POST" if outgrows else self.method
        return Request(method, self.path, {**given, **changed})


def _hands_on(transport: object) -> bool:
    """Return whether nobody but opensearch-py's own serializer looks at a transport's bodies."""
    is_theirs = getattr(transport, "is_over_theirs", False)
    return is_theirs and type(getattr(transport, "serializer", None)) is JSONSerializer


def as_json(body: Any) -> Any:  # noqa: ANN401
    """Return a body as opensearch-py writes it, or as it is where orjson would not write the same.

    That is a tenth of the time for the many clauses of a query.

    >>> as_json({"size": 3}), as_json({"size": float("nan")})
    (b'{"size":3}', {'size': nan})
    """
    if not isinstance(body, dict):
        return body
    try:
        written = orjson.dumps(body, option=AS_IT_IS)
    except orjson.JSONEncodeError:  # whole numbers above 64 bits, text that is none in UTF-8
        return body
    return body if b"null" in written else written  # it writes null for NaN
