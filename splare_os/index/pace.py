"""How fast documents are written: a bound that leaves the cluster room for searches."""

import time
from threading import Event


class Pace:
    """Lets `max_rate` documents a second through; None: as many as come."""

    def __init__(self, max_rate: float | None) -> None:
        if max_rate is not None and not max_rate > 0:
            raise ValueError(f"max_rate={max_rate}: give more than 0 documents a second")
        self.max_rate = max_rate
        self._free_at = time.monotonic()

    def wait(self, n_documents: int, stop: Event) -> None:
        """Wait until so many documents may go, or `stop` is set."""
        if self.max_rate is None:
            return
        now = time.monotonic()
        stop.wait(max(0.0, self._free_at - now))
        self._free_at = max(now, self._free_at) + n_documents / self.max_rate
