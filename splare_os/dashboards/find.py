"""What dashboards have to know of an index, read from the cluster."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from opensearchpy import OpenSearch

from ..documents.fields import Fields
from ..errors import MappingError, NoIndexError
from ..layout.mapped import field_paths
from ..layout.records import FieldRecord, read_mappings, records_of
from .of_index import OfIndex


def find_index(
    client: OpenSearch,
    index: str,
    *,
    text_field: str | None = None,
    impacts_field: str | None = None,
    time_field: str | None = None,
    category_field: str | None = None,
) -> OfIndex:
    """Return what dashboards have to know of an index, an alias or a pattern.

    `MappingError` if it has no impacts (of `text_field`, in `impacts_field`), impacts in several
    fields or of several models, or if time and category are no date and no field that can be
    counted.
    """
    mappings = read_mappings(client, index)
    field, record = _only_impacts(index, _impacts(mappings, text_field, impacts_field))
    _check(client, index, "time", time_field, "date")
    _check(client, index, "category", category_field, None)
    there = {path for each in mappings.values() for path in field_paths(each)}
    return OfIndex(
        index,
        field,
        _concrete(index, mappings),
        record.fingerprint,
        time_field,
        category_field,
        tuple(name for name in record.text_fields if name in there),
    )


def _concrete(index: str, there: Iterable[str]) -> tuple[str, ...]:
    """Return of which indices statistics are shown: a pattern stands for those to come, too."""
    patterns = [] if ",-" in index else [one for one in index.split(",") if "*" in one]
    others = [one for one in sorted(there) if not any(fnmatchcase(one, each) for each in patterns)]
    return (*patterns, *others)


def find_installed(
    client: OpenSearch,
    index: str,
    *,
    text_field: str | None = None,
    impacts_field: str | None = None,
) -> OfIndex:
    """Return what tells the ids of all objects that dashboards of an index may have.

    An index that is gone, or has no impacts any more, had those of `impacts_field`, or else of
    `text_field`, or of "text".
    """
    try:
        there = _impacts(read_mappings(client, index), text_field, impacts_field)
    except NoIndexError:
        there = []
    if not there:
        had = Fields(text_field or Fields.text, None, impacts=impacts_field)
        return OfIndex(index, had.impacts_name).with_all_charts
    return OfIndex(index, _only_impacts(index, there)[0]).with_all_charts


def _impacts(
    mappings: Mapping[str, Mapping[str, object]], text_field: str | None, impacts_field: str | None
) -> list[tuple[str, FieldRecord]]:
    return [
        (field, record)
        for name, each in mappings.items()
        for field, record in records_of(name, each).items()
        if text_field in {None, record.text_field} and impacts_field in {None, field}
    ]


def _only_impacts(
    index: str, records: Sequence[tuple[str, FieldRecord]]
) -> tuple[str, FieldRecord]:
    fields = sorted({field for field, _ in records})
    models = sorted({f"{record.model} ({record.fingerprint})" for _, record in records})
    if len(fields) != 1 or len(models) != 1:
        raise MappingError(
            f"index {index!r} has impacts in {', '.join(fields) or 'no field'}, of "
            f"{', '.join(models) or 'no model'}: dashboards are about one field of one model; name "
            "an index, and an --impacts-field"
        )
    return records[0]


def _check(client: OpenSearch, index: str, use: str, field: str | None, wanted: str | None) -> None:
    """Raise `MappingError` unless a field can be counted by, and is of the type that is wanted."""
    if field is None:
        return
    kinds = client.field_caps(index=index, fields=field)["fields"].get(field, {})
    if not kinds:
        raise MappingError(f"index {index!r} has no field {field!r} for --{use}-field")
    for kind, found in kinds.items():
        is_date = kind in {"date", "date_nanos"}
        if not found["aggregatable"] or (wanted == "date" and not is_date):
            what = "a date" if wanted else "a field that can be counted by, such as a keyword"
            below = client.field_caps(index=index, fields=f"{field}.keyword")["fields"]
            also = f": {field}.keyword is one" if below and not wanted else ""
            raise MappingError(
                f"index {index!r}: {field!r} is a {kind} field; --{use}-field has to be "
                f"{what}{also}"
            )
