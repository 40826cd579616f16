"""The statistics of an index, taken and kept: what `splare-os statistics` does, as a function."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Event
from typing import TypeVar

import numpy as np
from opensearchpy import OpenSearch, TransportError

from ..errors import MappingError, StatisticsError
from ..layout.records import FieldRecord, read_records
from ..layout.statistics import Kept, keep_statistics, kept_statistics
from .counting import check_sample, count_documents, standard_error, take_statistics
from .patience import Patience, retried

T = TypeVar("T")

TOLD_SHARE = 0.01
"""Share of documents whose standard error is told of a sample."""


@dataclass(frozen=True)
class CensusOptions:
    """When statistics are taken, and of how many documents.

    `text_field` None: every field with impacts. `sample` None: all documents, or a sample where
    there are very many. Statistics that are at most `max_age_s` old are left as they are, if the
    documents have not become more or fewer by the share `max_growth`; None: taken in any case.
    """

    text_field: str | None = None
    sample: int | None = None
    max_age_s: float | None = None
    max_growth: float = 0.1

    def __post_init__(self) -> None:
        """Refuse an age or a growth below 0, and a sample that cannot be drawn."""
        if not (self.max_age_s is None or self.max_age_s >= 0) or not self.max_growth >= 0:
            raise ValueError(
                f"max_age_s={self.max_age_s}, max_growth={self.max_growth}: give at least 0"
            )
        check_sample(self.sample)


@dataclass(frozen=True)
class Census:
    """The statistics of one field of one index as they are kept now.

    `latents` are in some document. `error`: by how much of itself the share of a latent that one
    document in a hundred shows may be off (a standard error); 0 if all documents were looked at.
    """

    index: str
    field: str
    documents: int
    mean_length: float
    latents: int
    sampled: int | None
    error: float
    taken_at: str
    is_new: bool


def take_census(
    client: OpenSearch, index: str, options: CensusOptions | None = None
) -> Iterator[Census]:
    """Yield the census of each concrete index behind `index` and each of its fields, once kept.

    What a busy cluster refuses is asked again; `BulkError` where that does not help. `MappingError`
    if there is no such index, or none with impacts of the field.
    """
    options = options or CensusOptions()
    wanted = options.text_field
    found = _patiently(partial(read_records, client, index), is_first=True)
    fields = [
        (name, field, record)
        for name, records in found.items()
        for field, record in records.items()
        if wanted in {None, record.text_field}
    ]
    if not fields:
        raise MappingError(
            f"index {index!r} has no impacts{f' of {wanted!r}' if wanted else ''}: make them with "
            "`splare-os index`"
        )
    for name, field, record in fields:
        yield _patiently(partial(_of_field, client, name, field, record, options))


def _patiently(step: Callable[[], T], *, is_first: bool = False) -> T:
    """Return what a step returns, which is taken again while its failure may pass."""

    def taken() -> T:
        try:
            return step()
        except StatisticsError as error:
            if isinstance(error.__cause__, TransportError):
                raise error.__cause__ from error
            raise

    # each request has its own limit, and a census of many
    return retried(taken, Patience(), Event(), is_first=is_first, seconds=math.inf)


def _of_field(
    client: OpenSearch, index: str, field: str, record: FieldRecord, options: CensusOptions
) -> Census:
    kept = kept_statistics(client, [index], field).get(index)
    if kept is not None and kept.is_of(record.fingerprint, record.n_latents):
        age_s = (datetime.now(UTC) - kept.taken_at).total_seconds()
        is_young = options.max_age_s is not None and age_s <= options.max_age_s
        if is_young and not _has_grown(kept, count_documents(client, index, field), options):
            return _census(index, field, kept, is_new=False)
    return _census(index, field, _take(client, index, field, record, options), is_new=True)


def _has_grown(kept: Kept, documents: int, options: CensusOptions) -> bool:
    known = kept.statistics.documents
    return abs(documents - known) > options.max_growth * known


def _take(
    client: OpenSearch, index: str, field: str, record: FieldRecord, options: CensusOptions
) -> Kept:
    taken = take_statistics(client, index, field, record.n_latents, sample=options.sample)
    made = record.fingerprint, datetime.now(UTC), taken.sampled, record.model
    kept = Kept(taken.statistics, *made)
    keep_statistics(client, index, field, kept)
    return kept


def _census(index: str, field: str, kept: Kept, *, is_new: bool) -> Census:
    found, sampled = kept.statistics, kept.sampled
    return Census(
        index,
        field,
        documents=round(found.documents),
        mean_length=round(found.mean_length, 3),
        latents=int(np.count_nonzero(found.document_frequency)),
        sampled=sampled,
        error=round(standard_error(TOLD_SHARE, sampled), 4) if sampled else 0.0,
        taken_at=kept.taken_at.isoformat(timespec="seconds"),
        is_new=is_new,
    )
