"""What of an index fits: mapping, model, documents without impacts, statistics, limits, size."""

import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from opensearchpy import NotFoundError, OpenSearch

from ...documents.fields import SUFFIX
from ...encoder import Encoder
from ...errors import NoIndexError
from ...layout.compact import is_compact
from ...layout.mapped import mapped_fields
from ...layout.records import read_mappings, records_of
from ...layout.statistics import kept_statistics
from ...reply import number, part
from ..fusion.fusion import DEPTH
from .field import Field
from .finding import Finding, failure, ok, seen, warning
from .together_findings import together_findings

WINDOW = 500
"""Hits that two steps score anew."""

GROWTH = 0.1
"""Share by which documents may grow before statistics are called old."""

LIMITS = {"index.max_result_window": DEPTH, "index.max_rescore_window": WINDOW}
"""Settings of an index, and the least that searches of ours need."""

SHARDS = "index.number_of_shards"

MIB = 2**20

SEARCH = "indices:data/read/search"

BACKING = ".ds-"
"""How the indices of a data stream are called; others with a dot are of plugins."""


def index_findings(client: OpenSearch, index: str, encoder: Encoder | None) -> Iterator[Finding]:
    """Yield what is found in the indices behind a name; `encoder` is what will search them."""
    fields: list[Field] = []

    def look_at_mappings() -> Iterator[Finding]:
        try:
            found = read_mappings(client, index)
        except NoIndexError:
            if "*" not in index:
                raise
            remedy = "make one: splare-os index FILE --index NAME"
            yield warning(index, "there is no index yet", remedy)
            return
        for name, mappings in found.items():
            if name.startswith(".") and not name.startswith(BACKING):
                continue
            yield from seen(name, SEARCH, partial(_records, client, name, mappings, fields))

    yield from seen(index, "indices:admin/mappings/get", look_at_mappings)
    yield from together_findings(index, fields, encoder)
    for field in fields:
        yield from _mapping(field)
        yield from seen(field.label, SEARCH, lambda: _documents(client, field))  # noqa: B023
        statistics = "indices:data/read/mget on .splare-statistics"
        yield from seen(field.label, statistics, lambda: _statistics(client, field))  # noqa: B023
    for name in dict.fromkeys(field.index for field in fields):
        settings = "indices:monitor/settings/get"
        yield from seen(name, settings, lambda: _settings(client, name))  # noqa: B023
        yield from seen(name, "indices:monitor/stats", lambda: _size(client, name))  # noqa: B023


def _records(
    client: OpenSearch, index: str, mappings: Mapping[str, Any], fields: list[Field]
) -> Iterator[Finding]:
    """Note the impacts fields of an index in `fields`; yield that there is none, or one unknown."""
    records = records_of(index, mappings)
    fields += [Field(index, name, record, mappings) for name, record in records.items()]
    if not records:
        remedy = f"make them: splare-os backfill --index {index} --text-field F"
        yield warning(index, "no field has impacts", remedy)
    yield from _unclaimed(client, index, mappings)


def _unclaimed(client: OpenSearch, index: str, mappings: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield which impacts no record tells of: of a removal that was interrupted, or a lost record.

    What the record of another version says is told elsewhere.
    """
    meta = mappings.get("_meta")
    known = meta.get("splare") if isinstance(meta, Mapping) else None
    for path, mapping in mapped_fields(mappings):
        name = path.removesuffix(".impacts")
        is_ours = name.endswith(SUFFIX) and "." not in name and name != path
        is_known = isinstance(known, Mapping) and name in known
        if not is_ours or is_known or mapping.get("type") != "rank_features":
            continue
        query = {"query": {"exists": {"field": f"{name}.latents"}}}
        if n := part(client.count(index=index, body=query), "count", kind=int):
            remedy = (
                "an interrupted removal goes on by splare-os remove-impacts "
                f"{shlex.join(['--index', index, '--impacts-field', name])}; a record that was "
                "lost can be written (docs/indexing.md)"
            )
            found = f"{n} documents hold impacts, and no record says which model made them"
            yield warning(f"{index}/{name}", found, remedy)


def _mapping(field: Field) -> Iterator[Finding]:
    """Yield whether the field's mapping is what scores need, and whether it is compact."""
    inner: Any = field.mappings.get("properties", {}).get(field.name, {})
    kind = inner.get("properties", {}).get("impacts", {}).get("type")
    if kind != "rank_features":
        remedy = "searches find nothing in it: index into a new index, as mappings/splare.json has"
        yield failure(field.label, f"impacts are mapped as {kind}, not rank_features", remedy)
    if is_compact(field.mappings, field.name):
        remedy = "updates by part and _reindex lose impacts: backfill makes them anew"
        yield warning(field.label, "compact: impacts are not in _source", remedy)


def _documents(client: OpenSearch, field: Field) -> Iterator[Finding]:
    """Yield how many documents have impacts."""
    whole = part(client.count(index=field.index), "count", kind=int)
    query = {"query": {"exists": {"field": f"{field.name}.latents"}}}
    having = part(client.count(index=field.index, body=query), "count", kind=int)
    found = f"{having} of {whole} documents have impacts"
    if having < whole:
        remedy = (
            "those without text need none; others: "
            f"splare-os backfill --index {field.index} {field.as_made}"
        )
        yield warning(field.label, found, remedy)
    else:
        yield ok(field.label, found)


def _statistics(client: OpenSearch, field: Field) -> Iterator[Finding]:
    """Yield whether statistics are there, of the field's model, and of nearly all documents."""
    kept = kept_statistics(client, [field.index], field.name).get(field.index)
    remedy = f"take them: splare-os statistics --index {field.index}"
    if kept is None:
        yield warning(field.label, "no statistics: rare latents do not weigh more", remedy)
        return
    if not kept.is_of(field.record.fingerprint, field.record.n_latents):
        yield warning(field.label, f"statistics are of the model {kept.fingerprint}", remedy)
        return
    now = part(client.count(index=field.index), "count", kind=int)
    then, taken = round(kept.statistics.documents), f"{kept.taken_at:%Y-%m-%d %H:%M} UTC"
    days = (datetime.now(UTC) - kept.taken_at).days
    found = f"statistics of {then} documents, {taken}, {days} days ago"
    if kept.sampled is None and abs(now - then) > GROWTH * max(now, 1):
        yield warning(field.label, f"{found}; now there are {now}", remedy)
    else:
        yield ok(field.label, found)


def _settings(client: OpenSearch, index: str) -> Iterator[Finding]:
    """Yield settings of an index that are too small, and pipelines that are not there."""
    params = {"flat_settings": "true", "include_defaults": "true"}
    reply = part(client.indices.get_settings(index=index, params=params), index, kind=dict)
    settings = {**(reply.get("defaults") or {}), **part(reply, "settings", kind=dict)}
    settings = {name: one for name, one in settings.items() if one is not None}
    for name, least in LIMITS.items():
        if name in settings and number(settings, name) < least:
            remedy = f"searches look at {least} hits: set it to at least that"
            yield failure(index, f"{name} is {settings[name]}", remedy)
    shards = number(settings, SHARDS)
    if shards > 1:
        remedy = "fuse hybrids in the client: the cluster fuses the best hits of each shard"
        yield warning(index, f"{shards} shards", remedy)
    pipelines = {
        "index.default_pipeline": "/_ingest/pipeline",
        "index.final_pipeline": "/_ingest/pipeline",
        "index.search.default_pipeline": "/_search/pipeline",
    }
    for name, path in pipelines.items():
        if (wanted := settings.get(name, "_none")) not in {"_none", ""}:
            yield _pipeline(client, index, f"{name} is {wanted}", f"{path}/{wanted}")


def _pipeline(client: OpenSearch, index: str, found: str, path: str) -> Finding:
    try:
        client.transport.perform_request("GET", path)
    except NotFoundError:
        remedy = f"requests fail without it: PUT {path}, or take the setting away"
        return failure(index, f"{found}, and is not there", remedy)
    return ok(index, found)


def _size(client: OpenSearch, index: str) -> Iterator[Finding]:
    """Yield what an index takes on disk, and whether all of it is there."""
    flat = {"flat_settings": "true"}
    settings = client.indices.get_settings(index=index, name=SHARDS, params=flat)
    shards = number(settings, index, "settings", SHARDS)
    reply = client.indices.stats(index=index, metric="store,segments", params={"level": "shards"})
    there = part(reply, "indices", kind=dict)  # without an index of which no shard is there
    down = shards - len(part(there, index, "shards", kind=dict)) if there else shards
    if down:
        remedy = "searches miss their documents, or fail: see GET _cluster/allocation/explain"
        yield failure(index, f"{down} of {shards} shards do not answer", remedy)
    else:
        sizes = part(reply, "_all", "primaries")
        size = part(sizes, "store", "size_in_bytes", kind=int)
        yield ok(index, f"{size / MIB:.1f} MiB, {part(sizes, 'segments', 'count')} segments")
