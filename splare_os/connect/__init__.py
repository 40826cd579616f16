"""OpenSearch asks a model server itself: plain text in, by any client, at ingest and in searches.

bodies (pure) → ml_commons · settings (what the cluster has) → connect (put, checked, undone).
"""

from .bodies import Route
from .connect import State, check, connect, disconnect
from .show import curl_commands

__all__ = [
    "Route",
    "State",
    "check",
    "connect",
    "curl_commands",
    "disconnect",
]
