"""An index merged into few segments, once nobody writes to it: searches are quicker then."""

import logging
from typing import Any

from ..reply import part
from .handle import IndexHandle
from .patience import retried

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0


def merge(handle: IndexHandle, segments: int) -> None:
    """Merge each shard into `segments`, and wait until that is done, however long it takes.

    `BulkError` if the cluster does not answer: it goes on merging all the same.
    """
    params = {"max_num_segments": segments, "wait_for_completion": "false"}
    indices = handle.client.indices

    def begin() -> str:
        return str(part(indices.forcemerge(index=handle.index, params=params), "task"))

    task = retried(begin, handle.patience, handle.stop)
    log.info("index=%s merges into %d segments, task=%s", handle.index, segments, task)

    def look() -> Any:  # noqa: ANN401  # what a server sends
        return part(handle.client.tasks.get(task_id=task), "completed")

    while not retried(look, handle.patience, handle.stop):
        if handle.stop.wait(LOOK_EVERY_S):
            return
