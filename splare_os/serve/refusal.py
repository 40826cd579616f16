"""A request that is not answered: the status, its kind and why, as JSON for every route."""

from collections.abc import Mapping

import orjson


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


def overloaded(what: str, retry_after_s: int) -> Refusal:
    """Return the refusal of a request that may come again."""
    reason = f"{what}: come again in {retry_after_s} s"
    return Refusal(429, "Overloaded", reason, headers={"retry-after": str(retry_after_s)})


def too_large(reason: str) -> Refusal:
    """Return the refusal of a request over a limit of size; its connection ends."""
    return Refusal(413, "Validation", reason, headers={"connection": "close"})


def failed() -> Refusal:
    """Return what is told of an error of the server itself."""
    return Refusal(500, "Unhealthy", "the server failed; its log says where")
