"""The index: its mapping from `mappings/splare.json`, created or added to what people have."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from typing import Any, TypeAlias

import orjson
from opensearchpy import OpenSearch, RequestError

from ..documents.fields import Fields
from ..encoder import Encoder
from ..errors import MappingError
from ..reply import part, require_whole
from ..scoring import Scoring
from .aliases import write_index
from .changed import warn_of_other_texts
from .compact import PRICE, check_source_is_kept, is_compact
from .cut import NO_CUT, DocumentCut, default_top_k
from .existing import index_exists
from .meta import merged_meta
from .records import (
    FieldRecord,
    Records,
    check_record,
    find_impacts,
    impacts_name,
    read_mappings,
    read_records,
    records_of,
)
from .saturating import chosen_saturation, default_saturation
from .settings import NewIndex

log = logging.getLogger(__name__)

Json: TypeAlias = dict[str, "object"]

MOST_PUTS = 5
"""Times that a record is written: another's write of `_meta` at the same moment takes it away."""


def template() -> Json:
    """Return `mappings/splare.json`, the body of `PUT _index_template/splare`."""
    file = resources.files("splare_os") / "mappings" / "splare.json"
    body: Json = orjson.loads(file.read_bytes())
    return body


def content_field(fields: Fields) -> str:
    """Return the field that title and text are copied to, the one for BM25.

    >>> content_field(Fields())
    'content'
    >>> content_field(Fields(text="content"))
    'content_all'
    """
    names = {path.partition(".")[0] for path in fields.text_fields}
    return "content_all" if "content" in names else "content"


def properties(fields: Fields) -> dict[str, Json]:
    """Return the template's properties, named as the documents name their fields."""
    inner = template()["template"]
    ours: dict[str, Json] = inner["mappings"]["properties"]  # type: ignore[index]
    content = content_field(fields)
    text = ours["text"] | {"copy_to": content}
    named = {content: ours["content"], fields.impacts_name: ours["text_splare"]}
    for path in fields.text_fields:
        _set(named, path.split("."), text)
    return named


def _set(named: dict[str, Any], path: list[str], mapping: Json) -> None:
    """Put the mapping of a field where its path leads."""
    *objects, name = path
    for each in objects:
        named = named.setdefault(each, {"properties": {}})["properties"]
    named[name] = mapping


def index_body(
    fields: Fields,
    record: FieldRecord,
    wanted: NewIndex | None = None,
) -> Json:
    """Return the body that creates an index for such documents, its record included."""
    inner, wanted = template()["template"], wanted or NewIndex()
    meta = {"splare": {fields.impacts_name: record.to_meta()}}
    source = wanted.source(fields.impacts_name)
    return {
        "settings": inner["settings"] | wanted.named_settings,  # type: ignore[index]
        "mappings": {"_meta": meta, **source, "properties": properties(fields)},
    }


def check_routing(client: OpenSearch, index: str, named: str) -> None:
    """Raise `MappingError` if documents of a concrete index have a routing, or have to have one.

    Without it, such a document would be stored a second time, in another shard. `named` is what the
    user calls the index: an alias may give documents a routing.
    """
    routing = read_mappings(client, index)[index].get("_routing")
    aliases = part(client.indices.get_alias(index=index), index, "aliases", kind=dict)
    body = {"size": 0, "terminate_after": 1, "query": {"exists": {"field": "_routing"}}}
    if isinstance(routing, dict) and routing.get("required"):
        what = "requires a routing"
    elif aliases.get(named, {}).get("index_routing"):
        what = f"gets a routing by the alias {named!r}"
    elif _n_found(client, index, body):
        what = "has documents with a routing"
    else:
        return
    raise MappingError(
        f"index {index!r} {what}, and documents are indexed without: let your application write "
        f"them, and then `splare-os backfill --index {index}`"
    )


def _n_found(client: OpenSearch, index: str, body: Json) -> int:
    reply = client.search(index=index, body=body)
    require_whole(reply, index)
    return part(reply, "hits", "total", "value", kind=int)


def ensure_index(
    client: OpenSearch,
    index: str,
    encoder: Encoder,
    fields: Fields,
    *,
    cut: DocumentCut = NO_CUT,
    scoring: Scoring | None = None,
    wanted: NewIndex | None = None,
    among: str | None = None,
) -> bool:
    """Return whether `index` had to be created; afterwards it takes `encoder`'s impacts.

    An index that people already have gets the impacts field and nothing else. Behind an alias,
    the write index gets the field; every other index that has it must be of the same model.
    What `cut` does not ask for is as the index's record says, or else all that the encoder gives;
    `scoring` None is what the index is made for, or else `calibrated`. `wanted` is what a new index
    is like beside that, and one that is there has to be. `among` is the name by which it is
    searched together with others, if `index` is not.
    `ModelMismatchError` if one is not, `MappingError` if the field exists in another shape.
    """
    check_target(index)
    cut.check(encoder)
    record = _wanted(encoder, fields, cut, scoring)
    wanted = wanted or NewIndex()
    if not index_exists(client, index) and _create(client, index, fields, record, wanted):
        return True
    others = read_records(client, among) if among else {}
    others |= read_records(client, index)  # which may have left
    field = impacts_name(others.values(), fields, encoder)
    fields = replace(fields, impacts=field)
    target = write_index(client, index)
    wanted.check(client, target, field)
    present = _present(others, target, field, encoder)
    if field in others[target]:
        record = _cut(record, cut.over(present[0].cut))
    saturation = chosen_saturation(encoder, scoring, present)
    _add_field(client, target, fields, replace(record, saturation=saturation))
    find_impacts(client, target, fields, encoder)
    return False


def _present(
    others: Mapping[str, Records], target: str, field: str, encoder: Encoder
) -> list[FieldRecord]:
    """Return the records of a field, that of `target` first, all of them of `encoder`'s model."""
    for name, records in others.items():
        if field in records:
            check_record(records[field], name, field, encoder)
    return [records[field] for records in (others[target], *others.values()) if field in records]


def _wanted(
    encoder: Encoder, fields: Fields, cut: DocumentCut, scoring: Scoring | None
) -> FieldRecord:
    """Return the record of a new field."""
    made = encoder.name, encoder.fingerprint, encoder.n_latents
    whole, saturation = default_top_k(encoder), default_saturation(encoder, scoring)
    record = FieldRecord(*made, whole, fields.text_fields, saturation, fields.template)
    return _cut(record, cut.over(record.cut))


def _cut(record: FieldRecord, cut: DocumentCut) -> FieldRecord:
    """Return a record with another cut, both bounds known."""
    return replace(record, top_k=cut.top_k or record.top_k, mass=cut.mass)


def check_target(index: str) -> None:
    """Raise `ValueError` for a name that cannot be written to."""
    if not index or any(char in index for char in "*?, "):
        raise ValueError(f"index {index!r}: name one index or alias to write to")


def _create(
    client: OpenSearch, index: str, fields: Fields, record: FieldRecord, wanted: NewIndex
) -> bool:
    body = index_body(replace(fields, impacts=fields.impacts_name), record, wanted)
    try:
        client.indices.create(index=index, body=body)
    except RequestError as error:
        if error.error == "resource_already_exists_exception":
            return False  # somebody was faster: take it as an index that exists
        raise MappingError(f"index {index!r} cannot be created: {error}") from error
    log.info("created index=%s", index)
    if wanted.compact:
        log.warning("index=%s compact: %s", index, PRICE)
    return True


def _add_field(client: OpenSearch, index: str, fields: Fields, record: FieldRecord) -> None:
    """Give a concrete index the impacts field, its record, or nothing if it has both."""
    check_source_is_kept(client, index)
    for _ in range(MOST_PUTS):
        if not _has_added(client, index, fields, record):
            return


def _has_added(client: OpenSearch, index: str, fields: Fields, record: FieldRecord) -> bool:
    """Return whether the field, or its record, had to be written."""
    field = fields.impacts_name
    mappings = read_mappings(client, index)[index]
    known = records_of(index, mappings).get(field)
    if known == record:
        return False
    if known is None:
        _refuse_unknown_impacts(client, index, field, mappings)
        _refuse_second(index, field, mappings)
    body: Json = {
        "_meta": merged_meta(mappings, field, record),
        "properties": {field: properties(fields)[field]},
    }
    try:
        client.indices.put_mapping(index=index, body=body)
    except RequestError as error:
        raise MappingError(
            f"index {index!r}: the field {field!r} exists in another shape, or there is no "
            f"room for it: {error}. Reindex without it, raise index.mapping.total_fields.limit, or "
            "index into a new index; if all that is in it was sent to an index that was deleted or "
            "replaced during a run, delete it"
        ) from error
    log.info("mapped index=%s field=%s fingerprint=%s", index, field, record.fingerprint)
    if known is not None:
        warn_of_other_texts(index, field, known, record)
    return True


def _refuse_second(index: str, field: str, mappings: Json) -> None:
    """Raise `MappingError` if an index is compact, and has impacts in another field."""
    for other in records_of(index, mappings):
        if is_compact(mappings, other):
            raise MappingError(
                f"index {index!r} is compact: to write impacts of {field!r} would lose those "
                f"of {other!r}. Index into a new index"
            )


def _refuse_unknown_impacts(client: OpenSearch, index: str, field: str, mappings: Json) -> None:
    """Raise `MappingError` if documents hold impacts, and no record says whose they are."""
    present = mappings.get("properties")
    if not isinstance(present, dict) or field not in present:
        return
    query = {"query": {"exists": {"field": f"{field}.latents"}}}
    count = part(client.count(index=index, body=query), "count", kind=int)
    if count:
        raise MappingError(
            f"index {index!r}: {count} documents hold impacts in {field!r}, and no record in "
            "_meta.splare says which model made them. Have them removed (`splare-os "
            f"remove-impacts --index {index} --impacts-field {field}`, which goes on where it was "
            "interrupted), write the record if you know it (docs/indexing.md), or index into a new "
            "index; if all that is in it was sent to an index that was deleted during a run, "
            "delete it"
        )
