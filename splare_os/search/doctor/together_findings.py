"""Whether the fields behind one name may be searched together."""

from collections.abc import Iterator

from ...encoder import Encoder
from ...errors import MappingError
from ...layout.records import FieldRecord
from ..clause.target import ALL
from ..weigh.weighing import common_saturation
from .field import Field
from .finding import Finding, failure, ok, warning


def together_findings(
    index: str, fields: list[Field], encoder: Encoder | None
) -> Iterator[Finding]:
    """Yield whether the fields behind one name may be searched together.

    A pattern stands for indices that may have nothing to do with one another.
    """
    is_pattern = "*" in index or index in ALL
    yield from _models(fields, encoder, is_pattern=is_pattern)
    if not is_pattern:
        yield from _texts(fields)
        yield from _stored(index, fields)


def _models(fields: list[Field], encoder: Encoder | None, *, is_pattern: bool) -> Iterator[Finding]:
    """Yield whose impacts there are, and whether they may be searched together."""
    by_text: dict[str, dict[str, list[Field]]] = {}
    for field in fields:
        made = by_text.setdefault(field.record.text_field, {})
        made.setdefault(field.record.fingerprint, []).append(field)
    for text, made in by_text.items():
        for fingerprint, ours in made.items():
            where = ", ".join(field.label for field in ours)
            model = f"{ours[0].record.model} ({fingerprint})"
            if encoder is None or fingerprint == encoder.fingerprint:
                yield ok("model", f"{where}: by {model}")
            elif encoder.fingerprint in made:
                own = {field.index for field in made[encoder.fingerprint]}
                remedy, told = f"searches by {encoder.name} pass them over", warning
                if any(field.index not in own for field in ours):
                    remedy = "a search has to name indices of one model"
                    told = warning if is_pattern else failure
                found = f"{where}: by {model}, others by {encoder.name}"
                yield told("model", found, f"{remedy}; remove-impacts removes them")
            else:
                remedy = f"search with --model {ours[0].record.model}, or index {text!r} anew"
                found = f"{where}: by {model}, not {encoder.name} ({encoder.fingerprint})"
                yield failure("model", found, remedy)


def _texts(fields: list[Field]) -> Iterator[Finding]:
    """Yield which impacts behind one name, searched together, are made of other fields."""
    alike: dict[tuple[str, str], dict[str, list[str]]] = {}
    for field in sorted(fields, key=lambda field: field.label):
        record = field.record
        made_of = alike.setdefault((field.name, record.fingerprint), {})
        what = record.template or " + ".join(record.text_fields)
        made_of.setdefault(what, []).append(field.label)
    for made_of in alike.values():
        if len(made_of) > 1:
            found = "; ".join(f"{', '.join(where)}: of {what}" for what, where in made_of.items())
            remedy = (
                "their scores do not compare: give each index the same --title-field or --template "
                "(splare-os backfill --index INDEX)"
            )
            yield warning("texts", f"impacts are made of different texts: {found}", remedy)


def _stored(index: str, fields: list[Field]) -> Iterator[Finding]:
    """Yield which impacts behind one name are stored in ways whose scores do not compare."""
    together: dict[tuple[str, str], dict[str, FieldRecord]] = {}
    for field in fields:
        records = together.setdefault((field.name, field.record.fingerprint), {})
        records[field.index] = field.record
    for records in together.values():
        try:
            common_saturation(records)
        except MappingError as error:
            found, _, remedy = str(error).rpartition(": ")
            yield failure(index, found, remedy)
