"""Where the statistics of fields are kept: one document a field, in the index `.splare-statistics`.

Not in a mapping's `_meta`: that is part of the cluster's state, which every node holds and every
mapping's reader fetches. Hidden, so that a search over `*` does not meet it. Who searches needs to
read this index, who indexes to write it.
"""

import base64
import logging
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import resources
from typing import Any

import numpy as np
import orjson
from opensearchpy import (
    NotFoundError,
    OpenSearch,
    RequestError,
    SerializationError,
    TransportError,
)

from ..errors import ReplyError, StatisticsError
from ..reply import NO_INDEX, part, rows
from ..statistics import Statistics
from .existing import index_exists
from .spectrum import EVERYWHERE, spectrum
from .view import Headers

log = logging.getLogger(__name__)

INDEX = ".splare-statistics"

DAMAGED = (LookupError, TypeError, ValueError, zlib.error)
"""What somebody else's document of that name ends in."""

UNKNOWN_FIELD = "strict_dynamic_mapping_exception"


@dataclass(frozen=True, slots=True)
class Kept:
    """Statistics of one field as they are kept: whose model's, and when they were taken.

    `sampled` is the number of documents looked at, None if that was all of them. `model` is the
    model's name, "" where it is not known.
    """

    statistics: Statistics
    fingerprint: str
    taken_at: datetime
    sampled: int | None = None
    model: str = ""

    def is_of(self, fingerprint: str, n_latents: int) -> bool:
        """Return whether these are statistics of such a model."""
        return (
            self.fingerprint == fingerprint and len(self.statistics.document_frequency) == n_latents
        )


def statistics_template() -> dict[str, Any]:
    """Return `mappings/splare-statistics.json`, the body of `PUT _index_template/…`."""
    file = resources.files("splare_os") / "mappings" / "splare-statistics.json"
    body: dict[str, Any] = orjson.loads(file.read_bytes())
    return body


def keep_statistics(client: OpenSearch, index: str, field: str, kept: Kept) -> None:
    """Keep the statistics of `field` in the concrete index `index`, in place of earlier ones."""
    _ensure(client)
    body = _to_source(index, field, kept)
    write = partial(client.index, index=INDEX, id=_name(index, field), body=body)
    try:
        write()
    except RequestError as error:
        if error.error != UNKNOWN_FIELD:
            raise
        # an earlier version made the index, which knows fewer fields
        client.indices.put_mapping(index=INDEX, body=statistics_template()["template"]["mappings"])
        write()
    log.info("statistics index=%s field=%s documents=%d", index, field, kept.statistics.documents)


def forget_statistics(client: OpenSearch, index: str, field: str) -> None:
    """Remove what is kept of a field, if anything is: its index was made anew.

    Where that is not allowed, the log tells.
    """
    try:
        client.delete(index=INDEX, id=_name(index, field), ignore=[404])
    except TransportError as error:
        log.warning("statistics of index=%s cannot be removed: %s", index, error)


def kept_statistics(
    client: OpenSearch, indices: Iterable[str], field: str, *, headers: Headers | None = None
) -> dict[str, Kept]:
    """Return by concrete index what is kept of `field`; an index of which nothing is has no key.

    A cluster that keeps no statistics gives none. `StatisticsError` where they cannot be read:
    what is kept is not known then, and may be next time.
    """
    names = {_name(index, field): index for index in indices}
    if not names:
        return {}
    try:
        reply = client.mget(index=INDEX, body={"ids": list(names)}, headers=dict(headers or {}))
        docs = {part(doc, "_id", kind=str): doc for doc in rows(reply, "docs")}
        return dict(_each_kept({index: part(docs, name) for name, index in names.items()}))
    except (TransportError, SerializationError, ReplyError) as error:
        if isinstance(error, NotFoundError) and error.error == NO_INDEX:
            return {}
        raise StatisticsError(f"statistics in {INDEX!r} cannot be read: {error}") from error


def _each_kept(docs: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, Kept]]:
    """Yield what is kept of each index, by what is answered of it; of one that is damaged, none."""
    for index, doc in docs.items():
        error = doc.get("error")
        if error and part(error, "type") != NO_INDEX:
            raise StatisticsError(f"statistics in {INDEX!r} cannot be read: {error}")
        if error or not part(doc, "found", kind=bool):
            continue
        source = part(doc, "_source", kind=dict)
        try:
            yield index, _from_source(source)
        except DAMAGED as damage:
            log.warning("statistics of index=%s are damaged (%r): take them anew", index, damage)


def _name(index: str, field: str) -> str:
    return f"{index}/{field}"


def _ensure(client: OpenSearch) -> None:
    if index_exists(client, INDEX):
        return
    try:
        client.indices.create(index=INDEX, body=statistics_template()["template"])
    except RequestError as error:
        if error.error != "resource_already_exists_exception":
            raise StatisticsError(f"index {INDEX!r} cannot be created: {error}") from error


def _to_source(index: str, field: str, kept: Kept) -> dict[str, object]:
    found = kept.statistics
    frequency = np.rint(found.document_frequency).astype("<i8")
    packed = zlib.compress(frequency.tobytes(), 1)  # a tenth of the time, and a fifth more bytes
    return {
        "index": index,
        "field": field,
        "fingerprint": kept.fingerprint,
        "taken_at": kept.taken_at.isoformat(),
        "documents": round(found.documents),
        "sampled": kept.sampled,
        "mean_length": found.mean_length,
        "model": kept.model,
        "latents": len(frequency),
        "dead": int(np.count_nonzero(frequency == 0)),
        "everywhere": int(np.count_nonzero(frequency > EVERYWHERE * found.documents)),
        "spectrum": spectrum(frequency),
        "document_frequency": base64.b64encode(packed).decode(),
    }


def _from_source(source: Mapping[str, Any]) -> Kept:
    packed = base64.b64decode(source["document_frequency"])
    frequency = np.frombuffer(zlib.decompress(packed), dtype="<i8").astype(np.float64)
    documents = float(source["documents"])
    statistics = Statistics(documents, frequency, documents * float(source["mean_length"]))
    taken_at = datetime.fromisoformat(source["taken_at"]).astimezone(UTC)
    of = source["fingerprint"], taken_at, source["sampled"], source.get("model", "")
    return Kept(statistics, *of)
