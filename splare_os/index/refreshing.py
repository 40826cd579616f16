"""A refresh at the end of a run: what was written is found by whoever looks right after it."""

import logging
from functools import partial
from threading import Event

from opensearchpy import OpenSearch

from ..errors import BulkError
from .patience import Patience, retried

log = logging.getLogger(__name__)


def refresh_at_end(client: OpenSearch, index: str, patience: Patience, stop: Event) -> None:
    """Let all be searched that was written; if that fails it is told: later it is by itself."""
    try:
        retried(partial(client.indices.refresh, index=index), patience, stop)
    except BulkError as error:
        log.warning("index=%s is not refreshed: %s", index, error)
