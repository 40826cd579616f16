"""The documents of an index, read patiently: what `documents.shards` reads, asked again."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from threading import Event

from opensearchpy import AuthorizationException, OpenSearch, TransportError

from ..connection import rights_remedy
from ..documents.page_size import PageSize
from ..documents.shards import Held, ShardReader, Wanted, find_shards, read_pages, refresh
from ..errors import BulkError
from .patience import Patience, describe, is_transient, retried

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """Documents of one shard; all of its writes up to `upto` have been read now."""

    shard: int
    upto: int
    documents: Sequence[Held]


class Scan:
    """Reads the concrete index `index`: of its documents those that `where` matches, and `fields`.

    `where` is a query, None: all. `BulkError` where the cluster does not answer in time.
    """

    def __init__(
        self,
        client: OpenSearch,
        index: str,
        fields: Sequence[str],
        *,
        where: Mapping[str, object] | None = None,
        size: int = 256,
        patience: Patience | None = None,
        stop: Event | None = None,
    ) -> None:
        self.client, self.index = client, index
        self.wanted, self.size = Wanted(list(fields), where), PageSize(size)
        self.patience, self.stop = patience or Patience(), stop or Event()
        self._known = ""

    def history(self) -> str:
        """Return what tells the history by which the index numbers its writes: positions are in it.

        It is another one after a snapshot was restored in the place of what was there.
        """
        self.peek()
        return self._known

    def history_if_told(self) -> str:
        """Return the same; "", with a warning, where the index's statistics are refused.

        To who may not ask for them, or by a cluster or gateway that has no such request.
        """
        try:
            return self.history()
        except BulkError as error:
            cause = error.__cause__
            if not isinstance(cause, TransportError) or is_transient(cause):
                raise
            said = describe(cause)
            is_right = isinstance(cause, AuthorizationException)
            log.warning(
                "index=%s: it is not noticed if the index is put back to an earlier state: %s%s",
                self.index,
                said,
                f". {rights_remedy(said)}" if is_right else "",
            )
            return ""

    def check(self) -> None:
        """Raise `BulkError` if the index has another history now than it told."""
        if self._known:
            self.peek()

    def checkpoints(self) -> dict[int, int]:
        """Return up to where each shard can be read: every write until now that was acknowledged.

        The index is refreshed.
        """
        found = self.peek()
        retried(partial(refresh, self.client, self.index), self.patience, self.stop)
        return found

    def peek(self) -> dict[int, int]:
        """Return the same without a refresh: cheap, to see whether anything was written.

        `BulkError` if the index has another history now than the first time.
        """
        asked = partial(find_shards, self.client, self.index)
        shards = retried(asked, self.patience, self.stop)
        now = sha256("\n".join(shard.history for shard in shards).encode()).hexdigest()[:16]
        if self._known not in ("", now):
            raise BulkError(
                f"index {self.index!r} was put back to an earlier state during the run (a snapshot "
                "was restored?): run the same command again, it starts over"
            )
        self._known = now
        return {shard.number: shard.checkpoint for shard in shards}

    def pages(self, shard: int, after: int, upto: int) -> Iterator[Page]:
        """Yield the documents of a shard that writes after `after` up to `upto` have made.

        In the order of the writes; the last page ends at `upto`, and may be empty.
        """
        reader = ShardReader(self.client, self.index, shard, self.wanted, self.size)

        def read(after: int, upto: int) -> list[Held]:
            return retried(partial(reader.read, after, upto), self.patience, self.stop)

        for read_upto, documents in read_pages(read, self.size, after, upto):
            yield Page(shard, read_upto, documents)
