"""Texts of documents as a terminal may have them."""

from itertools import islice


def printable(text: str, most: int | None = None) -> str:
    r"""Return a text without characters that steer a terminal or turn what is written.

    Of a text of more than `most` characters the beginning.

    >>> printable("a\x1b[31m\u202eb", 5)
    'a[31…'
    """
    wanted = None if most is None else most + 1
    shown = "".join(islice(filter(str.isprintable, text), wanted))
    return shown if most is None or len(shown) <= most else f"{shown[: most - 1]}…"
