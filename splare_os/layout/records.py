"""Which model made a field's impacts: the record in the mapping's `_meta`, read and checked."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields

from opensearchpy import NotFoundError, OpenSearch

from ..documents.fields import Fields
from ..encoder import Encoder
from ..errors import MappingError, ModelMismatchError, NoIndexError
from ..reply import named_parts, part, parts, require_no_index
from ..scoring import Saturation
from .cut import DocumentCut
from .field import digest
from .view import PLAIN, View

LAYOUT = 4
"""Version of the index layout that this package writes; it reads earlier ones too.

2 added `saturation` to the record, and `length` to the field; 3 added `template` to the record; 4
`mass`."""

TRUSTED_S = 30.0
"""How long a client trusts a record before it reads the mapping again."""

ADDED = {"saturation": 2, "template": 3, "mass": 4}
"""Keys of a record, and the layout that added them."""


@dataclass(frozen=True)
class FieldRecord:
    """What is known of one impacts field: its model, its cut and the texts it was made from.

    `saturation` is what the impacts went through before they were stored; None: nothing.
    `text_fields` and `template` are those of `Fields`: the text itself is the last one. `top_k` and
    `mass` are those of its `cut`.
    """

    model: str
    fingerprint: str
    n_latents: int
    top_k: int
    text_fields: tuple[str, ...]
    saturation: Saturation | None = None
    template: str | None = None
    mass: float | None = None
    layout: int = LAYOUT

    def to_meta(self) -> dict[str, object]:
        """Return the record as it stands in `_meta`."""
        return asdict(self) | {"text_fields": list(self.text_fields)}

    @property
    def text_field(self) -> str:
        """The field that the impacts belong to."""
        return self.text_fields[-1]

    @property
    def cut(self) -> DocumentCut:
        """Which impacts of a document are kept."""
        return DocumentCut(self.top_k, self.mass)

    def digest(self, text: str) -> str:
        """Return the digest of impacts that were made of a text as the record says."""
        return digest(text, self.fingerprint, self.cut, self.saturation)

    @property
    def document_fields(self) -> Fields:
        """What of a document is encoded."""
        *others, text = self.text_fields
        if self.template is not None:
            return Fields(text, template=self.template)
        return Fields(text, others[0] if others else None)


Records = dict[str, FieldRecord]
"""Impacts field to its record: one concrete index."""


def parse_record(meta: Mapping[str, object], where: str) -> FieldRecord:
    """Return the record that `_meta` holds; `MappingError` if another version wrote it."""
    _check_keys(meta, where)
    names = meta["text_fields"]
    texts = tuple(map(str, names)) if isinstance(names, list) else (str(names),)
    record = FieldRecord(
        model=str(meta["model"]),
        fingerprint=str(meta["fingerprint"]),
        n_latents=int(str(meta["n_latents"])),
        top_k=int(str(meta["top_k"])),
        text_fields=texts,
        saturation=_parse_saturation(meta.get("saturation"), where),
        template=None if meta.get("template") is None else str(meta["template"]),
        mass=None if meta.get("mass") is None else _parse_mass(meta["mass"], where),
        layout=int(str(meta["layout"])),
    )
    try:
        _ = record.document_fields
    except (IndexError, ValueError) as error:
        raise MappingError(f"{where}: text_fields {names!r} cannot be read ({error})") from error
    return record


def _check_keys(meta: Mapping[str, object], where: str) -> None:
    layout = meta.get("layout")
    since = layout if isinstance(layout, int) else LAYOUT
    known = {field.name for field in fields(FieldRecord) if ADDED.get(field.name, 1) <= since}
    if meta.keys() != known:
        raise MappingError(
            f"{where}: the record has the keys {sorted(meta)}, not {sorted(known)}; "
            "another version of splare-os wrote it: use that one, or index anew"
        )
    if meta["layout"] not in range(1, LAYOUT + 1):
        raise MappingError(
            f"{where}: layout {meta['layout']!r}, this version reads layouts 1 to {LAYOUT}; "
            "use the version that wrote it, or index anew"
        )
    for key in ("n_latents", "top_k"):
        if isinstance(meta[key], bool) or not isinstance(meta[key], int):
            raise MappingError(f"{where}: {key} is {meta[key]!r}, not a whole number; mend it")


def _parse_mass(meta: object, where: str) -> float:
    if isinstance(meta, bool) or not isinstance(meta, int | float) or not 0 < meta <= 1:
        raise MappingError(f"{where}: mass is {meta!r}, not a share above 0 to 1; mend it")
    return float(meta)


def _parse_saturation(meta: object, where: str) -> Saturation | None:
    if meta is None:
        return None
    wanted = {field.name for field in fields(Saturation)}
    if not isinstance(meta, Mapping) or meta.keys() != wanted:
        raise MappingError(
            f"{where}: saturation {meta!r} cannot be read: it has to have {sorted(wanted)}"
        )
    try:
        return Saturation(**meta)
    except (TypeError, ValueError) as error:
        raise MappingError(f"{where}: saturation {meta!r} cannot be read ({error})") from error


def records_of(index: str, mappings: Mapping[str, object]) -> Records:
    """Return the records in the `mappings` of one concrete index."""
    meta = mappings.get("_meta")
    ours = meta.get("splare") if isinstance(meta, dict) else None
    if not isinstance(ours, dict):
        return {}
    return {
        field: parse_record(record, f"index {index!r}, _meta.splare.{field}")
        for field, record in ours.items()
        if isinstance(record, dict)
    }


def read_mappings(
    client: OpenSearch, index: str, view: View = PLAIN
) -> dict[str, dict[str, object]]:
    """Return the mappings of every concrete index behind `index`, as a request with `view` sees it.

    `MappingError` if there is none, unless the request says that there may be none.
    """
    asked = {"params": dict(view.options), "headers": dict(view.headers)}
    try:
        reply = client.indices.get_mapping(index=index, **asked)
        if view.ignores_unavailable:  # a search passes closed indices over, get_mapping doesn't
            is_open = part(
                client.field_caps(index=index, fields="_index", **asked), "indices", kind=list
            )
            reply = {name: reply[name] for name in is_open if name in reply}
    except NotFoundError as error:
        require_no_index(error)
        raise _no_index(index) from error
    is_name = not view.options and "*" not in index and index != "_all"
    found = (named_parts if is_name else parts)(reply, "mappings")
    if not found and not view.may_be_empty:
        raise _no_index(index)
    return found


def _no_index(index: str) -> NoIndexError:
    return NoIndexError(f"no index {index!r}: create it with `splare-os index FILE --index NAME`")


def read_records(client: OpenSearch, index: str, view: View = PLAIN) -> dict[str, Records]:
    """Return the records of every concrete index behind a name, an alias or a wildcard."""
    found = read_mappings(client, index, view)
    return {name: records_of(name, mappings) for name, mappings in found.items()}


def check_record(record: FieldRecord, index: str, field: str, encoder: Encoder) -> None:
    """Raise `ModelMismatchError` unless `encoder` may read and write this field."""
    if record.fingerprint == encoder.fingerprint and record.n_latents == encoder.n_latents:
        return
    remedy = (
        f"Another version of {encoder.name!r} made it: use that one"
        if record.model == encoder.name
        else f"Use {record.model!r} for this index"
    ) + f", or give {encoder.name!r} an index, or an impacts field, of its own"
    raise ModelMismatchError(
        f"index {index!r}, field {field!r}: its impacts come from the model {record.model!r} "
        f"(fingerprint {record.fingerprint}, {record.n_latents} latents), the encoder at hand is "
        f"{encoder.name!r} (fingerprint {encoder.fingerprint}, {encoder.n_latents} latents), and "
        f"their latents mean different things. {remedy}"
    )


@dataclass(frozen=True)
class FoundImpacts:
    """The field with the impacts of a text, its record by concrete index, and indices without."""

    name: str
    records: Mapping[str, FieldRecord]
    without: frozenset[str] = frozenset()


def impacts_name(present: Iterable[Records], fields: Fields, encoder: Encoder) -> str:
    """Return the field that holds the impacts of a text by `encoder`'s model in these indices.

    It is the one that `fields` names, or that this model has made, or else as it would be called.
    `MappingError` if it has made several.
    """
    found = {
        name
        for records in present
        for name, record in records.items()
        if record.text_field == fields.text and record.fingerprint == encoder.fingerprint
    }
    if fields.impacts is not None or not found or fields.impacts_name in found:
        return fields.impacts_name
    if len(found) > 1:
        raise MappingError(
            f"the impacts of {fields.text!r} by {encoder.name!r} are in several fields, "
            f"{', '.join(sorted(found))}: name one "
            "(--impacts-field), or search indices that have the same"
        )
    return found.pop()


def find_impacts(
    client: OpenSearch,
    index: str | None,
    fields: Fields,
    encoder: Encoder,
    view: View = PLAIN,
    *,
    some: bool = False,
) -> FoundImpacts:
    """Return the field with the impacts of a text, all of them made by `encoder`'s model.

    Behind an alias or a wildcard every concrete index is checked, of those that a request with
    `view` reads; None stands for all indices that have the field. `MappingError` where the field
    has no record (with `some`: in any of them), `ModelMismatchError` where its impacts come from
    another model.
    """
    found: dict[str, FieldRecord] = {}
    present = read_records(client, index or "_all", view)
    field = impacts_name(present.values(), fields, encoder)
    for name, records in present.items():
        if field not in records:
            if index is None or some:
                continue
            raise _lacking(name, records, fields.text, field)
        check_record(records[field], name, field, encoder)
        found[name] = records[field]
    if present and not found:
        raise MappingError(
            f"no index has the impacts field {field!r}: make one with `splare-os index`"
        )
    return FoundImpacts(field, found, frozenset(present) - frozenset(found))


def _lacking(index: str, records: Records, text: str, field: str) -> MappingError:
    """Return the error of an index without a text's impacts field: another's may hold it."""
    within = {
        record.text_field
        for name, record in records.items()
        if text in {name, *record.text_fields[:-1]}
    }
    if within:
        names = " or ".join(map(repr, sorted(within)))
        remedy = f"{text!r} is searched as {names}: name that field"
    else:
        remedy = f"add it with `splare-os backfill --index {index} --text-field {text}`"
        others = sorted({repr(one.text_field) for one in records.values()} - {repr(text)})
        if others:
            remedy = f"name the field that is meant ({' or '.join(others)}), or {remedy}"
        if models := {one.model for one in records.values() if one.text_field == text}:
            remedy = f"take the model {' or '.join(sorted(models))} (--model), or {remedy}"
    has = ", ".join(sorted(records)) or "none"
    return MappingError(f"index {index!r} has no impacts field {field!r}: it has {has}; {remedy}")
