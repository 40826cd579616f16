"""What the index already holds of some documents, and what the index is."""

from collections.abc import Sequence
from threading import Event

from opensearchpy import OpenSearch

from ..documents.document import Body
from .actions import Target
from .patience import Patience, retried

TIMEOUT_S = 60


def stored_documents(
    client: OpenSearch, target: Target, ids: Sequence[str], patience: Patience, stop: Event
) -> dict[str, Body]:
    """Return by id the `_source` of those documents that exist.

    Whole: to leave out the impacts costs the server eight times the CPU of sending them.
    """
    if not ids:
        return {}
    params = {"request_timeout": TIMEOUT_S}
    reply = retried(
        lambda: client.mget(index=target.index, body={"ids": list(ids)}, params=params),
        patience,
        stop,
    )
    return {doc["_id"]: doc["_source"] for doc in reply["docs"] if "_source" in doc}


def index_settings(client: OpenSearch, index: str) -> dict[str, str]:
    """Return the flat settings of one concrete index, such as `index.uuid`."""
    reply = client.indices.get_settings(index=index, params={"flat_settings": "true"})
    settings: dict[str, str] = reply[index]["settings"]
    return settings
