"""An index merged into few segments, once nobody writes to it: searches are quicker then."""

import logging
from typing import Any

from ..connection import rights_remedy
from ..errors import BulkError
from ..reply import part
from .handle import IndexHandle
from .patience import reason_of, retried

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0


def merge(handle: IndexHandle, segments: int) -> None:
    """Merge each shard into `segments`, and wait until that is done, however long it takes.

    `BulkError` if the cluster does not answer: it goes on merging all the same. And if it does not
    merge: what it refuses, it says at the end.
    """
    params = {"max_num_segments": segments, "wait_for_completion": "false"}
    indices = handle.client.indices

    def begin() -> str:
        return str(part(indices.forcemerge(index=handle.index, params=params), "task"))

    task = retried(begin, handle.patience, handle.stop)
    log.info("index=%s merges into %d segments, task=%s", handle.index, segments, task)

    def look() -> Any:  # noqa: ANN401  # what a server sends
        found = handle.client.tasks.get(task_id=task)
        return found if part(found, "completed") else None

    while (ended := retried(look, handle.patience, handle.stop)) is None:
        if handle.stop.wait(LOOK_EVERY_S):
            return
    if failed := ended.get("error") or ended.get("response", {}).get("failures"):
        said = reason_of(failed)
        raise BulkError(
            f"index {handle.index!r}: all documents are in, and it is not merged: {said}. "
            f"{rights_remedy(said)}"
        )
