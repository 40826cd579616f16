"""A look at the first documents of a job: whether they have the fields that it reads.

Before the index is made: it would have the fields that nobody has, and their record, for good.
"""

import logging
from collections.abc import Mapping, Sequence
from itertools import islice

from ..documents.document import Document
from ..documents.fields import Fields
from ..documents.paths import values_at
from ..documents.sources import is_replayable, read_documents
from ..errors import JobError

log = logging.getLogger(__name__)

FIRST = 256
ENOUGH = 16
"""What so many documents lack is no fault of their own; of fewer, each has an outcome."""

LONG = 20_000
"""Characters of a text of which the impacts that are kept say next to nothing."""

SHOWN_KEYS = 20


def look_first(sources: Sequence[str], fields: Fields, *, is_new: bool) -> None:
    """Raise `JobError` if none of the first documents has the key of the id, or can be read.

    `is_new`: the index knows nothing of these fields yet; then one of the first has to have one of
    them, and the log tells of one that all lack, and if most are long. Of the first source, if it
    can be read twice and has some documents.
    """
    if is_replayable(sources[0]):
        documents = list(islice(read_documents(sources[0], fields), FIRST))
        _check(documents, fields, is_new=is_new)


def _check(documents: Sequence[Document], fields: Fields, *, is_new: bool) -> None:
    bodies = [document.body for document in documents if document.body is not None]
    if 2 * len(bodies) < len(documents):  # of an array the last line may be one, without a comma
        _refuse_json(documents)
    if not bodies:
        return
    there = dict.fromkeys(key for body in bodies for key in body)
    source, keys = documents[0].source, ", ".join(map(repr, list(there)[:SHOWN_KEYS]))
    if len(bodies) < ENOUGH:
        return
    if not any(one.id for one in documents) and not any(fields.id in body for body in bodies):
        raise JobError(
            f"{source}: none of the first {len(bodies)} documents has an id in {fields.id!r}; name "
            f"the key that holds it (--id-field), one of {keys}"
        )
    if is_new:
        _look_at_texts(documents, bodies, fields, keys)


def _look_at_texts(
    documents: Sequence[Document], bodies: Sequence[Mapping[str, object]], fields: Fields, keys: str
) -> None:
    """Raise `JobError` if nobody has a text, and tell the log what texts lack, or have too much."""
    source = documents[0].source
    there = {name for name in fields.text_fields for body in bodies if _has(body, name)}
    if not there:
        raise JobError(
            f"{source}: none of the first {len(bodies)} documents has a field "
            f"{' or '.join(map(repr, fields.text_fields))}; name the text field (--text-field, "
            f"--title-field), one of {keys}"
        )
    if lacking := [repr(name) for name in fields.expected if name not in there]:
        log.warning(
            "%s: none of the first %d documents has a field %s, so that impacts are made of %s "
            "alone; if that is not meant, delete the index, and name one of %s (--text-field, "
            "--title-field, --template)",
            *(source, len(bodies), " or ".join(lacking), " and ".join(map(repr, sorted(there)))),
            keys,
        )
    n_long = sum(len(one.text) > LONG for one in documents)
    if 2 * n_long > len(documents):
        log.warning(
            "%s: %d of the first %d documents have more than %d characters: of a text of any "
            "length as many impacts are kept, so that a passage of a long one is not found; split "
            "it (docs/your-documents.md)",
            *(source, n_long, len(documents), LONG),
        )


def _has(body: Mapping[str, object], name: str) -> bool:
    """Return whether a document has a field: an empty text is one."""
    return any(True for _ in values_at(body, name))


def _refuse_json(documents: Sequence[Document]) -> None:
    """Raise `JobError` if lines are the pieces of one array or object, as people write JSON."""
    first = documents[0].raw.strip() if documents else b""
    if first[:2] == b"[{" or (len(documents) > 1 and first in {b"[", b"{"}):
        each = "'.[]'" if first[:1] == b"[" else "."
        raise JobError(
            f"{documents[0].source}: not JSON Lines, where each line is a document; convert it: jq "
            f"-c {each} FILE > FILE.jsonl"
        )
