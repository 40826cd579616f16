"""The documents of an index, shard by shard in the order of writes.

A shard numbers its writes (`_seq_no`), a document that changes gets a new number. Up to its global
checkpoint every copy of a shard has them all, and after a refresh each of these can be searched, or
a later write of the same document. So to read from one checkpoint to the next misses nothing, and a
number is a position that outlives a run. What is put back to an earlier state (a snapshot, a copy
that lagged behind) counts on from there, and has another history since.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from opensearchpy import NotFoundError, OpenSearch, RequestError, TransportError

from ..errors import ReplyError
from ..reply import number, part, parts, rows
from .document import Body
from .page_size import PageSize

Json: TypeAlias = dict[str, Any]

NONE_YET = -1
"""The position before the first write."""

CONTEXT_LOST = "search_context_missing_exception"
"""Of a shard that left its node, or was opened anew, between the two halves of a search."""

WIDEST = 2**22
"""Writes that are looked through for one page at most, where few of them are wanted."""


@dataclass(frozen=True, order=True)
class Shard:
    """A shard of a concrete index, the history that numbers it, and up to where it can be read."""

    index: str
    number: int
    history: str
    checkpoint: int


@dataclass(frozen=True, slots=True)
class Version:
    """Which write of a document the index holds; the cluster counts them."""

    seq_no: int
    primary_term: int


@dataclass(frozen=True, slots=True)
class Held:
    """A document as it was read: what was wanted of it (None: the index keeps nothing)."""

    id: str
    version: Version
    source: Body | None
    routing: str | None = None


def find_shards(client: OpenSearch, name: str) -> list[Shard]:
    """Return the shards of the indices that a name stands for; `ReplyError` if one is missing.

    Sizes are not asked for: a server would tell the same for ten seconds, also to others.
    """
    reply = client.indices.stats(index=name, metric="docs", params={"level": "shards"})
    told = part(reply, "indices", kind=dict)
    found = [
        Shard(
            index,
            int(at),
            _history(copy, told[index]),
            part(copy, "seq_no", "global_checkpoint", kind=int),
        )
        for index, shards in parts(told, "shards").items()
        for at in shards
        for copy in rows(shards, at)
        if part(copy, "routing", "primary", kind=bool)
    ]
    params = {"flat_settings": "true"}
    key = "index.number_of_shards"
    reply = client.indices.get_settings(index=name, name=key, params=params)
    settings = parts(reply, "settings")
    for index in {*settings, *told}:
        there = sorted(shard.number for shard in found if shard.index == index)
        n_shards = number(settings, index, key)
        if there != list(range(n_shards)):
            raise ReplyError(f"index {index!r}: of its {n_shards} shards only {there} are there")
    return sorted(found)


def _history(copy: Json, stats: Json) -> str:
    """Return what tells a shard's history; where that is not told, its index."""
    committed = part(copy, "commit", "user_data", kind=dict) if copy.get("commit") else {}
    return str(committed.get("history_uuid") or part(stats, "uuid"))


def refresh(client: OpenSearch, index: str) -> None:
    """Let all be searched that was written; `ReplyError` if a shard does not."""
    shards = part(client.indices.refresh(index=index), "_shards")
    if part(shards, "failed"):
        raise ReplyError(f"index {index!r} is refreshed in part: {shards}")


@dataclass(frozen=True)
class Wanted:
    """Which documents are read (`where`, a query; None: all), and what of them."""

    source: object = True
    where: Mapping[str, object] | None = None


@dataclass(frozen=True)
class ShardReader:
    """Reads what is wanted of one shard of a concrete index, in pages of a size that fits."""

    client: OpenSearch
    index: str
    number: int
    wanted: Wanted
    size: PageSize

    def read(self, after: int, upto: int) -> list[Held]:
        """Return the first documents of a range of writes, in order, as many as a page holds.

        One that fails is smaller the next time.
        """
        try:
            return self._page(after, upto)
        except (TransportError, ReplyError):
            self.size.failed()
            raise

    def _page(self, after: int, upto: int) -> list[Held]:
        wanted = self.wanted
        written = {"range": {"_seq_no": {"gt": after, "lte": upto}}}
        body = {
            "size": self.size.now,
            "sort": ["_seq_no"],
            "seq_no_primary_term": True,
            "track_total_hits": False,  # or each page would count all that remain
            "_source": wanted.source,
            "query": {"bool": {"filter": [written, *([wanted.where] if wanted.where else [])]}},
        }
        reply = self._search(body)
        shards = part(reply, "_shards")
        if part(shards, "successful") != 1 or part(reply, "timed_out"):
            raise ReplyError(f"index {self.index!r}, shard {self.number}: no answer: {shards}")
        return [_held(hit) for hit in rows(reply, "hits", "hits")]

    def _search(self, body: Json) -> Json:
        """Search the shard's primary: a replica of replicated segments may lag behind a refresh.

        Elasticsearch, which has no such replicas, cannot be asked for primaries.
        """
        shard = f"_shards:{self.number}"
        try:
            return self._preferring(f"{shard}|_primary", body)
        except RequestError as error:
            if not _knows_no_primary(error):
                raise
        return self._preferring(shard, body)

    def _preferring(self, copies: str, body: Json) -> Json:
        params = {"preference": copies}
        try:
            reply: Json = self.client.search(index=self.index, body=body, params=params)
        except NotFoundError as error:
            if CONTEXT_LOST not in str(error.info):
                raise
            moved = f"index {self.index!r}, shard {self.number}: it moved while it was read"
            raise ReplyError(moved) from error
        return reply


def _knows_no_primary(error: RequestError) -> bool:
    return "no Preference for [_primary]" in str(error)


def _held(hit: Json) -> Held:
    version = Version(part(hit, "_seq_no", kind=int), part(hit, "_primary_term", kind=int))
    return Held(part(hit, "_id", kind=str), version, hit.get("_source"), hit.get("_routing"))


def read_pages(
    read: Callable[[int, int], Sequence[Held]], size: PageSize, after: int, upto: int
) -> Iterator[tuple[int, Sequence[Held]]]:
    """Yield up to where all writes have been read, and what was; the last time that is `upto`.

    `read(after, upto)` gives at most `size.now` documents of a range. Ranges are narrow: a server
    sorts all that is in one.
    """
    width = size.now
    while after < upto:
        last = min(after + width, upto)
        found = read(after, last)
        if size.is_full([held.source for held in found]):
            after, width = found[-1].version.seq_no, max(size.now, width // 2)
        else:
            after, width = last, min(2 * width, WIDEST)
        if found or after >= upto:
            yield after, found
