"""Which cluster, and as whom: settings → connection → client."""

from .client import hint, open_client
from .connection import Connection
from .settings import find_connection

__all__ = ["Connection", "find_connection", "hint", "open_client"]
