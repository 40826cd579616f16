"""Impacts taken out of an index, where other impacts of the same texts have taken their place."""

import logging
from collections.abc import Iterator, Mapping
from functools import partial
from threading import Event
from typing import Any

from opensearchpy import OpenSearch

from ..documents.fields import SUFFIX
from ..errors import BulkError, MappingError
from ..layout.compact import check_whole
from ..layout.mapped import field_paths
from ..layout.meta import forget_record
from ..layout.records import TRUSTED_S, read_mappings
from ..layout.statistics import forget_statistics
from ..reply import part, rows
from .pace import Pace
from .patience import Patience, reason_of, retried

log = logging.getLogger(__name__)

REMOVE = (
    "ctx._source.keySet().removeIf(k -> k.equals(params.field) || k.startsWith(params.field + '.'))"
)
"""Other writers may have written the paths of the field as keys."""


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
    works. `MappingError` if no index has such a field, `BulkError` if the cluster does not answer.
    """
    if not field.endswith(SUFFIX):
        raise ValueError(f"impacts field {field!r}: its name has to end in {SUFFIX!r}")
    pace, stop = Pace(None, share), Event()
    patiently = partial(retried, patience=Patience(), stop=stop)
    names = _holding(index, field, patiently(partial(read_mappings, client, index)))
    for name in names:
        patiently(partial(forget_record, client, name, field))
    stop.wait(grace_s)  # also if the record was gone: perhaps since a moment ago
    for name in names:
        one = partial(_remove_some, client, name, field, page_documents)
        while n_removed := patiently(one):
            log.info("index=%s field=%s removed=%d", name, field, n_removed)
            yield n_removed
            pace.wait(n_removed, stop)
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


def _remove_some(client: OpenSearch, index: str, field: str, n: int) -> int:
    """Return how many documents were changed, or met a write of others: 0 if none has the field."""
    client.indices.refresh(index=index)
    there = [{"exists": {"field": f"{field}.{key}"}} for key in ("digest", "count", "latents")]
    body: dict[str, Any] = {
        "query": {"bool": {"should": there}},
        "script": {"source": REMOVE, "params": {"field": field}},
    }
    params = {"max_docs": n, "conflicts": "proceed"}
    reply = client.update_by_query(index=index, body=body, params=params)
    for failure in rows(reply, "failures"):
        raise BulkError(f"index {index!r}: {reason_of(failure.get('cause', failure))}")
    return part(reply, "updated", kind=int) + part(reply, "version_conflicts", kind=int)
