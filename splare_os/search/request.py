"""A request as a client hands it to its transport."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .rewritten import Rewritten

POSITIONS = ("params", "body", "timeout", "ignore", "headers")
"""Names of what opensearch-py's transports take after method and path, in their order."""


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
    def params(self) -> Mapping[str, Any] | None:
        """Parameters of the address."""
        return self.arguments.get("params")

    @property
    def body(self) -> Any:  # noqa: ANN401  # what a user hands in
        """The body, before it is text."""
        return self.arguments.get("body")

    @property
    def headers(self) -> Mapping[str, str] | None:
        """Headers of this request alone."""
        return self.arguments.get("headers")

    def with_content(self, made: Rewritten, *, is_line: bool = False) -> "Request":
        """Return the request with parameters and body as the cluster is to see them.

        `is_line`: its transport makes a parameter of a GET's body, and a rewritten one outgrows
        what servers take of an address; so it is posted.
        """
        wanted = {"params": made.params, "body": made.body}
        given = self.arguments
        changed = {name: one for name, one in wanted.items() if one is not given.get(name)}
        outgrows = is_line and self.method == "GET" and "body" in changed
        method = "POST" if outgrows else self.method
        return replace(self, method=method, arguments={**given, **changed})


def makes_lines(transport: object) -> bool:
    """Return whether a transport makes a parameter of a GET's body."""
    return getattr(transport, "send_get_body_as", None) == "source"
