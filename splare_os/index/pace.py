"""How fast documents are written: bounds that leave the cluster room for searches."""

import time
from threading import Event


class Pace:
    """Lets `max_rate` documents a second through (None: as many as come), in `share` of the time.

    A share of 0.25: after each piece of work a pause of three times as long.
    """

    def __init__(self, max_rate: float | None, share: float = 1.0) -> None:
        if max_rate is not None and not max_rate > 0:
            raise ValueError(f"max_rate={max_rate}: give more than 0 documents a second")
        if not 0 < share <= 1:
            raise ValueError(f"share={share}: give a share of the time, more than 0 and at most 1")
        self.max_rate, self.share = max_rate, share
        self._free_at = self._begun_at = time.monotonic()

    def wait(self, n_documents: int, stop: Event) -> None:
        """Wait until so many documents may go, or `stop` is set."""
        now = time.monotonic()
        rest_s = (now - self._begun_at) * (1 / self.share - 1) if n_documents else 0.0
        stop.wait(max(0.0, self._free_at - now, rest_s))
        self._begun_at = time.monotonic()
        if self.max_rate is not None:
            self._free_at = max(now, self._free_at) + n_documents / self.max_rate
