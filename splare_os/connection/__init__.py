"""Which cluster, and as whom: settings → connection → client."""

from .client import hint, is_blocked, open_client, tls_context
from .connection import Connection
from .retry_after import retry_after_s, seconds_of
from .rights import missing_right, rights_remedy
from .settings import find_connection
from .statuses import TRANSIENT

__all__ = [
    "TRANSIENT",
    "Connection",
    "find_connection",
    "hint",
    "is_blocked",
    "missing_right",
    "open_client",
    "retry_after_s",
    "rights_remedy",
    "seconds_of",
    "tls_context",
]
