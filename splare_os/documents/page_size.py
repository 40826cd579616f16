"""How many documents of an index are asked for at once: a server holds all of a page in memory."""

from collections.abc import Mapping, Sequence

MOST_BYTES = 8 * 2**20
"""Of a page, unless one document alone has more. A node whose heap they fill is ended by it."""


class PageSize:
    """`now` documents, at most `most`: one at first, twice as many at a time while they are small.

    >>> size = PageSize(64)
    >>> size.now, size.is_full(["small"]), size.now
    (1, True, 2)
    """

    def __init__(self, most: int) -> None:
        self.most, self.now = most, 1

    def is_full(self, page: Sequence[object]) -> bool:
        """Return whether a page holds all that it may; the next is as large as this one lets it."""
        was_full = len(page) >= self.now
        if page:
            fitting = MOST_BYTES * len(page) // max(1, sum(map(n_bytes, page)))
            self.now = max(1, min(self.most, 2 * self.now, fitting))
        return was_full

    def failed(self) -> None:
        """Have less asked for: perhaps it was too much."""
        self.now = max(1, self.now // 2)


def n_bytes(value: object) -> int:
    """Return about how much memory a value of JSON takes: its characters, and some for each value.

    >>> n_bytes({"text": ["abc", "de"], "n": 1})
    45
    """
    total, left = 0, [value]
    while left:
        one = left.pop()
        total += len(one) + 5 if isinstance(one, str) else 10
        if isinstance(one, Mapping):
            left += one.values()
        elif isinstance(one, list | tuple):
            left += one
    return total
