"""The drop-in clients: opensearch-py's, which understand a `splare` clause.

client: the plain one. async_client: its asynchronous sibling, which brings aiohttp; bridge: from an
event loop to threads and back.
"""

from .client import SplareOpenSearch

__all__ = ["SplareOpenSearch"]
