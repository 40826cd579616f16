"""The route of an index: its record, from the cluster, and the server's model, which must fit."""

from collections.abc import Collection

from opensearchpy import OpenSearch

from ..documents.fields import Fields
from ..encode.load import load_encoder
from ..encoder import Encoder
from ..errors import ConnectError, MappingError, NoIndexError
from ..layout.cut import NO_CUT, DocumentCut
from ..layout.mapping import ensure_index
from ..layout.records import FieldRecord, FoundImpacts, find_impacts, read_records
from ..scoring import Scoring
from .bodies import Names, Route
from .connect import require_plugins


def find_route(
    client: OpenSearch,
    index: str,
    fields: Fields,
    server: str,
    *,
    is_new: bool = True,
    cut: DocumentCut = NO_CUT,
    scoring: Scoring | None = None,
) -> Route:
    """Return the route from `index` to the model server at `server`.

    With `is_new` the index gets the field if it lacks it, as by `splare-os index`.
    `ModelMismatchError` if its impacts come from another model than the server's, `ConnectError`
    if the pipeline cannot read its texts, or the cluster has no part for a route.
    """
    if not server.startswith(("http://", "https://")):
        raise ValueError(f"server={server!r}: give its address, such as http://models:8080")
    require_plugins(client)  # before an index is made
    encoder = load_encoder(server)
    if is_new:
        ensure_index(client, index, encoder, fields, cut=cut, scoring=scoring)
    found = _found(client, index, fields, encoder)
    name = _only(index, found.records)
    record = found.records[name]
    require_plain(record)
    return Route(name, found.name, record, server)


def _found(client: OpenSearch, index: str, fields: Fields, encoder: Encoder) -> FoundImpacts:
    try:
        return find_impacts(client, index, fields, encoder)
    except NoIndexError as error:
        raise ConnectError(
            f"no index {index!r}: `splare-os connect --index {index}`, without --check and "
            "--dry-run, makes it"
        ) from error


def find_names(client: OpenSearch, index: str, fields: Fields) -> Names:
    """Return what a route from `index` is called; neither its index nor its server need be there.

    `MappingError` if the text has several impacts fields, and `fields` names none.
    """
    try:
        present = read_records(client, index)
    except NoIndexError:
        return Names(index, fields.impacts_name)
    name = _only(index, present)
    known = [field for field, one in present[name].items() if one.text_field == fields.text]
    if fields.impacts is None and len(known) > 1:
        raise MappingError(
            f"the impacts of {fields.text!r} are in several fields, {', '.join(sorted(known))}: "
            "name the one that is connected (--impacts-field)"
        )
    return Names(name, fields.impacts or (known or [fields.impacts_name])[0])


def _only(index: str, found: Collection[str]) -> str:
    """Return the one index that `index` stands for."""
    if len(found) > 1:
        names = ", ".join(sorted(found))
        raise ConnectError(f"{index!r} stands for {names}: connect them one by one")
    (name,) = found
    return name


def require_plain(record: FieldRecord) -> None:
    """Raise `ConnectError` for texts that the pipeline does not put together as the worker does."""
    if record.template is not None or any("." in name for name in record.text_fields):
        raise ConnectError(
            f"the impacts are made of {', '.join(record.text_fields)}"
            f"{f' by the template {record.template!r}' if record.template else ''}: the pipeline "
            "reads a title and a text, none of them inside an object. Index by `splare-os index`"
        )
