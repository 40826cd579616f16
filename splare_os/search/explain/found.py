"""Documents found, as the index holds them: what was encoded of them, and the impacts it made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from ...documents.document import Body, encoded_text, is_unicode
from ...documents.places import Place, places
from ...encoder import Encoder
from ...impacts import Features
from ...layout.field import FieldImpacts, impacts_object
from ...layout.records import FieldRecord


@dataclass(frozen=True)
class Found:
    """What one impacts field knows of a document.

    `impacts` by latent name are those that scored; none if that is not known. `is_current`: the
    digest says that they were made of `text`; otherwise the text has changed since.
    """

    text: str
    places: list[Place]
    impacts: Features
    is_current: bool


def found(
    encoder: Encoder, field: str, documents: Sequence[tuple[Body, FieldRecord]]
) -> list[Found]:
    """Return what is known of documents, each given as its `_source` and its field's record.

    Impacts that a compact index does not hold in `_source` are made anew of the text, if that is
    current; of all such documents in one call.
    """
    known = [_known(field, *document) for document in documents]
    bare = [at for at, one in enumerate(known) if one.is_current and not one.impacts and one.text]
    if not bare:
        return known
    made = encoder.encode_documents([known[at].text for at in bare])
    for row, at in enumerate(bare):
        record = documents[at][1]
        one = FieldImpacts.of(record.cut.of(made[[row]]), record.saturation)
        impacts = cast(Features, impacts_object(one, 0)["impacts"])
        known[at] = Found(known[at].text, known[at].places, impacts, is_current=True)
    return known


def _known(field: str, source: Body, record: FieldRecord) -> Found:
    ours = source.get(field)
    held = ours if isinstance(ours, dict) else {}
    text = encoded_text(source, record.document_fields)
    impacts = cast(Features, held.get("impacts") or {})
    where = places(source, record.document_fields)
    is_current = is_unicode(text) and held.get("digest") == record.digest(text)
    return Found(text, where, impacts, is_current)
