"""What a new record of a field means for the impacts that are there already."""

import logging

from .records import FieldRecord

log = logging.getLogger(__name__)


def warn_of_other_texts(index: str, field: str, known: FieldRecord, record: FieldRecord) -> None:
    """Tell the log if impacts are made of other fields from now on: older ones stay as they are."""
    if (known.text_fields, known.template) == (record.text_fields, record.template):
        return
    log.warning(
        "index=%s: impacts in %r were made of %s, and are made of %s from now on: documents that "
        "are not written anew keep those of before. Give the options of before, or have all made "
        "anew by `splare-os backfill` with those of now",
        *(index, field, _texts(known), _texts(record)),
    )


def _texts(record: FieldRecord) -> str:
    return repr(record.template or " ".join(f"{{{name}}}" for name in record.text_fields))
