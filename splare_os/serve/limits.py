"""What a server takes at most, and how long it waits."""

from dataclasses import dataclass, fields
from math import inf

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """Bounds of a server; all are above 0, but `max_wait_s`, which may be 0.

    Tokens are estimated (`queue.estimated_tokens`). `max_batch_tokens` bounds what is encoded at a
    time; None: what one pass of the model takes. `max_wait_s` is how long a batch that is not full
    waits for more. `max_waiting_tokens` bounds what waits of each kind; None: 64 passes. Less
    waits where half of `timeout_s` is not enough for it. `max_bytes` bounds the
    bodies of all requests together, of which there are at most `max_requests`.
    """

    max_body_bytes: int = 8 * MIB
    max_texts: int = 1024
    max_characters: int = 1_000_000
    max_requests: int = 1024
    max_bytes: int = 256 * MIB
    max_connections: int = 4096
    max_header_bytes: int = 65_536
    max_batch_tokens: int | None = None
    max_waiting_tokens: int | None = None
    max_wait_s: float = 0.0
    timeout_s: float = 60.0
    body_timeout_s: float = 20.0
    header_timeout_s: float = 10.0
    keep_alive_s: int = 75
    drain_s: int = 25

    def __post_init__(self) -> None:
        """Refuse bounds that let nothing through."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "max_wait_s":
                if not 0 <= value < inf:
                    raise ValueError(f"max_wait_s={value}: give 0 or more, and an end")
            elif value is not None and not 0 < value < inf:
                raise ValueError(f"{field.name}={value}: give more than 0, and an end")
