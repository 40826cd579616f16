"""Chunks on their way to the cluster: sent by threads, landing in the order of their lines."""

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, Protocol, Self, TypeVar

from .actions import Write
from .replies import Verdict
from .sender import Sender


class Load(Protocol):
    """What flies: actions, by position."""

    @property
    def actions(self) -> Mapping[int, Write]:
        """The actions that are sent."""


L = TypeVar("L", bound=Load)


MOST_BYTES = 64 * 2**20
"""Of the documents in the air, unless one chunk alone has more."""


class Flight(Generic[L]):
    """Two chunks in the air for each request that the cluster takes at once; no id twice."""

    def __init__(self, sender: Sender, most_requests: int) -> None:
        self.sender = sender
        self.pool = ThreadPoolExecutor(most_requests, thread_name_prefix="splare-send")
        self.chunks: deque[tuple[L, Future[list[Verdict]]]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sender.stop.set()  # who waits for a cluster that is ill waits no longer
        self.pool.shutdown(wait=True, cancel_futures=True)

    def start(self, chunk: L) -> None:
        """Send a chunk, in a thread; first see that `has_room` for it."""
        future = self.pool.submit(send_in_waves, self.sender, list(chunk.actions.values()))
        self.chunks.append((chunk, future))

    def has_room(self, chunk: L) -> bool:
        """Return whether `chunk` may start: room for one more, and none of its ids in the air."""
        ids = {action.id for action in chunk.actions.values()}
        flying = [action for other, _ in self.chunks for action in other.actions.values()]
        if len(self.chunks) >= 2 * self.sender.n_at_once or not ids.isdisjoint(
            action.id for action in flying
        ):
            return False
        n_bytes = sum(action.n_bytes for action in (*chunk.actions.values(), *flying))
        return not self.chunks or n_bytes <= MOST_BYTES

    def has_landed(self) -> bool:
        """Return whether the oldest chunk is back."""
        return bool(self.chunks) and self.chunks[0][1].done()

    def oldest(self) -> tuple[L, list[Verdict]]:
        """Wait for the oldest chunk and return it with the cluster's verdicts; it stays."""
        chunk, future = self.chunks[0]
        return chunk, future.result()

    def survivors(self) -> list[tuple[L, list[Verdict]]]:
        """Stop sending, and return the chunks from the oldest on that were acknowledged."""
        self.sender.stop.set()
        for _, future in self.chunks:
            future.cancel()
        safe = []
        for chunk, future in self.chunks:
            if future.cancelled() or future.exception() is not None:
                break
            safe.append((chunk, future.result()))
        return safe


def send_in_waves(sender: Sender, actions: Sequence[Write]) -> list[Verdict]:
    """Return the verdicts of `actions`; of one id, a later line is sent after an earlier one.

    In one request the server would keep their order, but not when the first has to be resent.
    """
    verdicts: dict[int, Verdict] = {}
    waiting = list(range(len(actions)))
    while waiting:
        first = {actions[at].id: at for at in reversed(waiting)}
        wave = sorted(first.values())
        verdicts |= dict(zip(wave, sender.send([actions[at] for at in wave]), strict=True))
        waiting = [at for at in waiting if at not in verdicts]
    return [verdicts[at] for at in range(len(actions))]
