"""OpenSearch asks a model server itself: plain text in, by any client, at ingest and in searches.

bodies (pure) → ml_commons · settings (what the cluster has) → connect (put, checked, undone) ·
replay (dead letters once more).
"""

from .bodies import Route
from .connect import State, check, connect, disconnect
from .replay import Replayed, replay
from .show import curl_commands

__all__ = [
    "Replayed",
    "Route",
    "State",
    "check",
    "connect",
    "curl_commands",
    "disconnect",
    "replay",
]
