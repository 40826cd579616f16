"""A log of searches in the cluster, for dashboards.

search_log: what is kept of a search, and how it is sent. route: how a search finds its documents.
watching: what the log says of each, once its reply is there.
"""

from .search_log import SearchLog

__all__ = ["SearchLog"]
