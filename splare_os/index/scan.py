"""The documents of an index, read patiently: what `documents.shards` reads, asked again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event

from opensearchpy import OpenSearch

from ..documents.shards import Held, ShardReader, Wanted, find_shards, read_pages, refresh
from .patience import Patience, retried


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
        self.wanted = Wanted(list(fields), where, size)
        self.patience, self.stop = patience or Patience(), stop or Event()

    def checkpoints(self) -> dict[int, int]:
        """Return up to where each shard can be read: every write until now that was acknowledged.

        The index is refreshed.
        """
        found = self.peek()
        retried(partial(refresh, self.client, self.index), self.patience, self.stop)
        return found

    def peek(self) -> dict[int, int]:
        """Return the same without a refresh: cheap, to see whether anything was written."""
        asked = partial(find_shards, self.client, self.index)
        shards = retried(asked, self.patience, self.stop)
        return {shard.number: shard.checkpoint for shard in shards}

    def pages(self, shard: int, after: int, upto: int) -> Iterator[Page]:
        """Yield the documents of a shard that writes after `after` up to `upto` have made.

        In the order of the writes; the last page ends at `upto`, and may be empty.
        """
        reader = ShardReader(self.client, self.index, shard, self.wanted)

        def read(after: int, upto: int) -> list[Held]:
            return retried(partial(reader.read, after, upto), self.patience, self.stop)

        for read_upto, documents in read_pages(read, self.wanted.size, after, upto):
            yield Page(shard, read_upto, documents)
