"""What was sent: counted by threads that share a sender."""

from dataclasses import dataclass, field
from threading import Lock


@dataclass
class Traffic:
    """Requests, their bytes, and documents that were sent again."""

    n_requests: int = 0
    n_bytes: int = 0
    n_resent: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, n_bytes: int) -> None:
        """Count a request."""
        with self._lock:
            self.n_requests += 1
            self.n_bytes += n_bytes

    def resent(self, n_documents: int) -> None:
        """Count documents that are sent again."""
        with self._lock:
            self.n_resent += n_documents
