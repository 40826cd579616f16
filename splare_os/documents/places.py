"""Where the text of each field stands in the text that is encoded for a document."""

from collections.abc import Iterator
from typing import NamedTuple

from .document import Body
from .fields import Fields
from .paths import values_at
from .template import TEMPLATE, template_parts


class Place(NamedTuple):
    """The value `number` of a field, and at which character of the encoded text it begins.

    White space at either end of the encoded text is stripped, so that a value may begin before 0.
    """

    field: str
    number: int
    value: str
    start: int

    def inside(self, start: int, end: int) -> tuple[int, int]:
        """Return what of [start, end) in the encoded text is of this value, as offsets in it.

        >>> Place("title", 0, "Ants", 3).inside(5, 9)
        (2, 4)
        """
        last = len(self.value)
        return min(max(start - self.start, 0), last), min(max(end - self.start, 0), last)


def places(body: Body, fields: Fields) -> list[Place]:
    """Return the place of every value that `encoded_text` puts into the text of `body`.

    A field that a template names twice has two places.

    >>> for place in places({"title": " Ants", "text": ["carry", "leaves"]}, Fields()):
    ...     print(*map(repr, place))
    'title' 0 ' Ants' -1
    'text' 0 'carry' 5
    'text' 1 'leaves' 11
    """
    parts = list(_parts(body, fields))
    written = "".join(text for text, _, _ in parts)
    at = len(written.lstrip()) - len(written)
    found = []
    for text, field, number in parts:
        if field:
            found.append(Place(field, number, text, at))
        at += len(text)
    return found


def _parts(body: Body, fields: Fields) -> Iterator[tuple[str, str, int]]:
    """Yield the pieces of the text before it is stripped: field and number of each; "": none."""
    names = {"title": fields.title, "text": fields.text}
    for told, name in template_parts(fields.template or TEMPLATE):
        yield told, "", 0
        field = name if fields.template else names.get(name)
        values = [one for one in values_at(body, field) if isinstance(one, str)] if field else []
        for number, value in enumerate(values):
            yield " " if number else "", "", 0
            yield value, field or "", number
