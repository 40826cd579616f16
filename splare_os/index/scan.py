"""The documents of an index in the order in which each shard wrote them.

A shard numbers its writes. Up to its global checkpoint every copy has them all, and after a refresh
each of these can be searched, or a later write of the same document. So to read from one checkpoint
to the next misses nothing; what is written meanwhile has a higher number, and comes next time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any, TypeAlias

from opensearchpy import OpenSearch

from ..documents.document import Body
from ..errors import ReplyError
from ..layout.reply import part
from .actions import Version
from .patience import Patience, retried

Json: TypeAlias = dict[str, Any]

Checkpoints: TypeAlias = Mapping[int, int]
"""Shard to the number of a write: all up to it."""

NONE_YET = -1

WIDEST = 2**22
"""Writes that are looked through for one page at most, where few of them are wanted."""


@dataclass(frozen=True, slots=True)
class Held:
    """A document as it was read: its wanted fields, and which write made it."""

    id: str
    version: Version
    source: Body
    routing: str | None = None


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
        self.client, self.index, self.fields = client, index, list(fields)
        self.where, self.size = where, size
        self.patience, self.stop = patience or Patience(), stop or Event()

    def checkpoints(self) -> dict[int, int]:
        """Return up to where each shard can be read: every write until now that was acknowledged.

        The index is refreshed.
        """
        found = retried(self._global_checkpoints, self.patience, self.stop)
        retried(self._refresh, self.patience, self.stop)
        return found

    def peek(self) -> dict[int, int]:
        """Return the same without a refresh: cheap, to see whether anything was written."""
        return retried(self._global_checkpoints, self.patience, self.stop)

    def _global_checkpoints(self) -> dict[int, int]:
        reply = self.client.indices.stats(index=self.index, params={"level": "shards"})
        shards = part(reply, "indices", self.index, "shards")
        found = {
            int(number): int(part(copy, "seq_no", "global_checkpoint"))
            for number, copies in shards.items()
            for copy in copies
            if part(copy, "routing", "primary")
        }
        n_shards = self._n_shards()
        if found.keys() != set(range(n_shards)):
            raise ReplyError(
                f"index {self.index!r}: of {n_shards} shards {sorted(found)} are there"
            )
        return found

    def _n_shards(self) -> int:
        params = {"flat_settings": "true"}
        reply = self.client.indices.get_settings(
            index=self.index, name="index.number_of_shards", params=params
        )
        return int(part(reply, self.index, "settings", "index.number_of_shards"))

    def _refresh(self) -> None:
        reply = self.client.indices.refresh(index=self.index)
        if part(reply, "_shards", "failed"):
            raise ReplyError(f"index {self.index!r} is refreshed in part: {part(reply, '_shards')}")

    def pages(self, shard: int, after: int, upto: int) -> Iterator[Page]:
        """Yield the documents of a shard that writes after `after` up to `upto` have made.

        In the order of the writes; the last page ends at `upto`, and may be empty.
        """
        width = self.size
        while after < upto:
            last = min(after + width, upto)
            read = partial(self._read, shard, after, last)
            documents = retried(read, self.patience, self.stop)
            if len(documents) == self.size:
                after, width = documents[-1].version.seq_no, max(self.size, width // 2)
            else:
                after, width = last, min(2 * width, WIDEST)
            if documents or after >= upto:
                yield Page(shard, after, documents)

    def _read(self, shard: int, after: int, upto: int) -> list[Held]:
        """Return the first documents of a range of writes, as many as a page holds."""
        written = {"range": {"_seq_no": {"gt": after, "lte": upto}}}
        body = {
            "size": self.size,
            "sort": ["_seq_no"],
            "seq_no_primary_term": True,
            "track_total_hits": False,
            "_source": self.fields,
            "query": {"bool": {"filter": [written, *([self.where] if self.where else [])]}},
        }
        # a replica of replicated segments is not refreshed when its primary is
        params = {"preference": f"_shards:{shard}|_primary"}
        reply = self.client.search(index=self.index, body=body, params=params)
        shards = part(reply, "_shards")
        if part(shards, "successful") != 1 or part(reply, "timed_out"):
            raise ReplyError(f"index {self.index!r}, shard {shard} does not answer: {shards}")
        return [held(hit) for hit in part(reply, "hits", "hits")]


def held(hit: Json) -> Held:
    """Return a hit as a document that was read; `ReplyError` if it is none."""
    version = Version(int(part(hit, "_seq_no")), int(part(hit, "_primary_term")))
    return Held(str(part(hit, "_id")), version, hit.get("_source") or {}, hit.get("_routing"))
