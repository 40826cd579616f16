"""A mapping's `_meta`, in which records stand: the server replaces it as a whole.

So who writes it at the same moment as another takes the other's record away.
"""

from collections.abc import Mapping

from opensearchpy import OpenSearch

from ..errors import ModelMismatchError
from .records import FieldRecord, read_mappings, records_of


def merged_meta(
    mappings: Mapping[str, object], field: str, record: FieldRecord
) -> dict[str, object]:
    """Return the whole `_meta` with the record of `field` set and every other key kept.

    The server replaces `_meta` as a whole: what is left out is lost.
    """
    meta = mappings.get("_meta")
    kept = meta if isinstance(meta, dict) else {}
    ours = kept.get("splare")
    records = ours if isinstance(ours, dict) else {}
    return kept | {"splare": records | {field: record.to_meta()}}


def restore_record(client: OpenSearch, index: str, field: str, record: FieldRecord) -> None:
    """Write the record of a field of a concrete index, unless the field has one.

    `ModelMismatchError` if that is of another model.
    """
    mappings = read_mappings(client, index)[index]
    now = records_of(index, mappings).get(field)
    if now is not None and now.fingerprint != record.fingerprint:
        raise ModelMismatchError(
            f"index {index!r}, field {field!r}: meanwhile somebody has written that its impacts "
            f"come from the model {now.model!r} (fingerprint {now.fingerprint}); those of this run "
            f"come from {record.model!r} (fingerprint {record.fingerprint}). Set the record right "
            f"(_meta.splare.{field} of the mapping, docs/indexing.md), and give one of the models "
            "an impacts field of its own"
        )
    if now is None:
        body = {"_meta": merged_meta(mappings, field, record)}
        client.indices.put_mapping(index=index, body=body)


def forget_record(client: OpenSearch, index: str, field: str) -> None:
    """Remove the record of a field of a concrete index, if it has one.

    The server replaces `_meta` as a whole: all else in it is written again.
    """
    meta = read_mappings(client, index)[index].get("_meta")
    ours = meta.get("splare") if isinstance(meta, dict) else None
    if not isinstance(meta, dict) or not isinstance(ours, dict) or field not in ours:
        return
    others = {name: record for name, record in ours.items() if name != field}
    client.indices.put_mapping(index=index, body={"_meta": meta | {"splare": others}})
