"""Bulk requests: their bounds, and documents cut into them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .actions import Write

MOST_REQUESTS = 8


@dataclass(frozen=True)
class BulkOptions:
    """Bounds of one request (managed clusters take 10 MiB) and the pipeline it names.

    At most `most_requests` are in the air at once, and fewer where the cluster is busy; None: one
    more than it has cores, at most `MOST_REQUESTS`.
    """

    max_actions: int = 2000
    max_bytes: int = 8 * 2**20
    timeout_s: float = 60.0
    most_requests: int | None = None
    pipeline: str | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that no document fits."""
        most = 1 if self.most_requests is None else self.most_requests
        if min(self.max_actions, self.max_bytes, most) < 1 or self.timeout_s <= 0:
            raise ValueError(
                f"max_actions={self.max_actions}, max_bytes={self.max_bytes}, timeout_s="
                f"{self.timeout_s}, most_requests={self.most_requests}: each has to be positive"
            )

    def params(self) -> dict[str, str | float]:
        """Return the parameters of the request."""
        named = {} if self.pipeline is None else {"pipeline": self.pipeline}
        return {"request_timeout": self.timeout_s} | named


def chunks(actions: Sequence[Write], options: BulkOptions) -> Iterator[list[Write]]:
    """Yield the actions in order, cut where the next would pass the count or the bytes."""
    chunk: list[Write] = []
    size = 0
    for action in actions:
        n_bytes = len(action.lines)
        is_full = len(chunk) == options.max_actions or size + n_bytes > options.max_bytes
        if chunk and is_full:
            yield chunk
            chunk, size = [], 0
        chunk.append(action)
        size += n_bytes
    if chunk:
        yield chunk
