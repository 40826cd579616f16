"""A request that is not answered: the status, its kind and why, as JSON for every route."""

from collections.abc import Mapping

import orjson

TO_ML_COMMONS = {"x-amzn-errortype": "ThrottlingException"}
"""The header by which alone ml-commons sees that it may ask again; whatever the status is."""


class Refusal(Exception):  # noqa: N818  # no failure of ours
    """A reply with an error; `kind` is a word for machines, as text-embeddings-inference has."""

    def __init__(
        self, status: int, kind: str, reason: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(reason)
        self.status, self.kind, self.headers = status, kind, dict(headers or {})

    @property
    def body(self) -> bytes:
        """The JSON that says so; what of a reason is no Unicode is left out."""
        content = {"error": str(self).encode(errors="replace").decode(), "error_type": self.kind}
        return orjson.dumps(content)


def later(status: int, kind: str, reason: str, retry_after_s: int = 1) -> Refusal:
    """Return the refusal of a request that may come again, which ml-commons then does too."""
    return Refusal(
        status, kind, reason, headers={"retry-after": str(retry_after_s), **TO_ML_COMMONS}
    )


def overloaded(what: str, retry_after_s: int) -> Refusal:
    """Return the refusal of a request for which there is no room now."""
    reason = f"{what}: come again in {retry_after_s} s"
    return later(429, "Overloaded", reason, retry_after_s)


def too_large(reason: str) -> Refusal:
    """Return the refusal of a request over a limit of size; its connection ends."""
    return Refusal(413, "Validation", reason, headers={"connection": "close"})


def failed() -> Refusal:
    """Return what is told of an error of the server itself."""
    return Refusal(500, "Unhealthy", "the server failed; its log says where")
