"""Impacts taken out of an index, where other impacts of the same texts have taken their place."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

from opensearchpy import OpenSearch

from ..documents.fields import SUFFIX
from ..documents.shards import Version
from ..errors import BulkError, MappingError
from ..layout.aliases import alias_filters
from ..layout.compact import check_whole
from ..layout.cut import NO_CUT
from ..layout.mapped import field_paths
from ..layout.meta import forget_record
from ..layout.records import TRUSTED_S, read_mappings
from ..layout.statistics import forget_statistics
from ..reply import part, require_whole, rows
from .actions import Target, Update
from .flight import send_in_waves
from .handle import IndexHandle
from .pace import Pace
from .patience import Patience, retried
from .replies import remedy
from .sender import Sender

log = logging.getLogger(__name__)


def remove_impacts(
    client: OpenSearch,
    index: str,
    field: str,
    *,
    share: float = 0.25,
    grace_s: float = TRUSTED_S,
    page_documents: int = 250,
) -> Iterator[int]:
    """Yield how many documents of `index`, a name or an alias, lost the impacts field `field`.

    A number for each request; an interrupted removal goes on when it is asked for again. First the
    field's record goes, so that nobody searches it any more, and once clients know that (`grace_s`
    later) its impacts. What others write meanwhile stays. `share` is that of the time in which it
    works. `MappingError` if no index has such a field, or an alias leaves documents of one out,
    `BulkError` if the cluster does not answer.
    """
    if not field.endswith(SUFFIX):
        raise ValueError(f"impacts field {field!r}: its name has to end in {SUFFIX!r}")
    pace, stop = Pace(None, share), Event()
    patiently = partial(retried, patience=Patience(), stop=stop)
    names = _holding(index, field, patiently(partial(read_mappings, client, index)))
    _check_unfiltered(index, patiently(partial(alias_filters, client, index)))
    for name in names:
        patiently(partial(forget_record, client, name, field))
    stop.wait(grace_s)  # also if the record was gone: perhaps since a moment ago
    for name in names:
        removal = patiently(partial(_opened, client, name, field, stop))
        while found := removal.found(page_documents):
            n_removed = removal.remove(found)
            log.info("index=%s field=%s removed=%d", name, field, n_removed)
            yield n_removed
            pace.wait(len(found), stop)
        forget_statistics(client, name, field)


def _holding(index: str, field: str, mappings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the indices that have the field; `MappingError` if none does, or one keeps parts."""
    names = [name for name, one in mappings.items() if field in field_paths(one)]
    if not names:
        raise MappingError(
            f"index {index!r} has no impacts field {field!r}: there is none to remove"
        )
    for name in names:
        check_whole(name, mappings[name], field)
    return names


def _check_unfiltered(index: str, filters: Mapping[str, object]) -> None:
    """Raise `MappingError` for an alias of some documents: a record is that of all of them."""
    if filters:
        names = ", ".join(sorted(filters))
        raise MappingError(
            f"alias {index!r} has a filter, and impacts are removed from an index as a whole, with "
            f"the record of their model: name it ({names})"
        )


@dataclass(frozen=True)
class _Removal:
    """Takes a field out of the documents of one concrete index, by updates.

    Not by `_update_by_query`, which sends whole documents through the pipelines of their index.
    """

    client: OpenSearch
    handle: IndexHandle
    sender: Sender

    def found(self, n: int) -> list[Update]:
        """Return what takes the field out of some `n` documents that have it; none: none has."""
        return retried(partial(self._find, n), self.handle.patience, self.handle.stop)

    def _find(self, n: int) -> list[Update]:
        index, field = self.handle.index, self.handle.field
        self.client.indices.refresh(index=index)
        there = [{"exists": {"field": f"{field}.{key}"}} for key in ("digest", "count", "latents")]
        body = {
            "size": n,
            "_source": False,
            "seq_no_primary_term": True,
            "query": {"bool": {"should": there}},
        }
        reply = self.client.search(index=index, body=body)
        require_whole(reply, index)
        return [_update(index, field, hit) for hit in rows(reply, "hits", "hits")]

    def remove(self, updates: list[Update]) -> int:
        """Return how many of the documents lack the field now; others were written meanwhile."""
        fates = send_in_waves(self.sender, updates)
        for fate in fates:
            if fate is not None and fate.advice != "moved":
                raise BulkError(f"index {self.handle.index!r}: {fate.reason}. {remedy(fate)}")
        moved = {one.id: one.routing for one, fate in zip(updates, fates, strict=True) if fate}
        held = self.handle.digests(moved)  # some by us, if a reply was lost
        return fates.count(None) + sum(digest is None for digest in held.values())


def _opened(client: OpenSearch, index: str, field: str, stop: Event) -> _Removal:
    patience = Patience()
    handle = IndexHandle(client, index, Target(index, field, "", NO_CUT), patience, stop)
    return _Removal(client, handle, Sender(client, handle, patience=patience, stop=stop))


def _update(index: str, field: str, hit: dict[str, Any]) -> Update:
    version = Version(part(hit, "_seq_no", kind=int), part(hit, "_primary_term", kind=int))
    return Update(index, part(hit, "_id", kind=str), field, None, "", version, hit.get("_routing"))
