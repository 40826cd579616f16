"""A real single-node OpenSearch from pip packages alone: `with EmbeddedCluster() as url: …`.

Vector fields need `"engine": "lucene"`: the k-NN plugin on Maven Central comes without native
libraries, and an index with the default engine (faiss) ends the server.
"""

from .artifacts import Progress, download_bar
from .embedded import EmbeddedCluster, fetch, resolve_url, start, status, stop
from .node import NodeStatus

__all__ = [
    "EmbeddedCluster",
    "NodeStatus",
    "Progress",
    "download_bar",
    "fetch",
    "resolve_url",
    "start",
    "status",
    "stop",
]
