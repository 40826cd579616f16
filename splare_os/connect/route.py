"""The route of an index: its record, from the cluster, and the server's model, which must fit."""

from opensearchpy import OpenSearch

from ..documents.fields import Fields
from ..encode.load import load_encoder
from ..errors import ConnectError
from ..layout.cut import NO_CUT, DocumentCut
from ..layout.mapping import ensure_index
from ..layout.records import FieldRecord, find_impacts
from ..scoring import Scoring
from .bodies import Route


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
    if the pipeline cannot read its texts.
    """
    if not server.startswith(("http://", "https://")):
        raise ValueError(f"server={server!r}: give its address, such as http://models:8080")
    encoder = load_encoder(server)
    if is_new:
        ensure_index(client, index, encoder, fields, cut=cut, scoring=scoring)
    found = find_impacts(client, index, fields, encoder)
    if len(found.records) > 1:
        names = ", ".join(sorted(found.records))
        raise ConnectError(f"{index!r} stands for {names}: connect them one by one")
    ((name, record),) = found.records.items()
    require_plain(record)
    return Route(name, found.name, record, server)


def require_plain(record: FieldRecord) -> None:
    """Raise `ConnectError` for texts that the pipeline does not put together as the worker does."""
    if record.template is not None or any("." in name for name in record.text_fields):
        raise ConnectError(
            f"the impacts are made of {', '.join(record.text_fields)}"
            f"{f' by the template {record.template!r}' if record.template else ''}: the pipeline "
            "reads a title and a text, none of them inside an object. Index by `splare-os index`"
        )
