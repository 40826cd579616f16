"""Words around a span of characters: tokens are often parts of one."""

import re
import unicodedata

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
"""Characters of scripts that write no spaces: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""

JOINERS = "\u200c\u200d"

LONGEST_WORD = 200
"""Characters to either side that are taken for one word: what has no blanks may be a megabyte."""


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return [start, end) without white space at either end: some tokens begin before their word.

    >>> trimmed("the oil", 3, 7)
    (4, 7)
    >>> trimmed("a  b", 1, 3)
    (3, 3)
    """
    inside = text[start:end]
    start += len(inside) - len(inside.lstrip())
    return start, max(start, end - len(inside) + len(inside.rstrip()))


def widened(text: str, start: int, end: int) -> tuple[int, int]:
    """Return [start, end) widened to whole words, by `LONGEST_WORD` at most to either side.

    An empty span, and unspaced script, stay.

    >>> widened("the embargoes ended", 6, 9)
    (4, 13)
    """
    if start == end:
        return start, end
    first, last = max(0, start - LONGEST_WORD), min(len(text), end + LONGEST_WORD)
    while start > first and _goes_on(text, start):
        start -= 1
    while end < last and _goes_on(text, end):
        end += 1
    return start, end


def _goes_on(text: str, at: int) -> bool:
    return is_mark(text[at]) or (is_of_word(text[at - 1]) and is_of_word(text[at]))


def is_mark(char: str) -> bool:
    """Return whether a character belongs to the one before it: it is drawn over, under or beside.

    Or it says, without being seen, how both its neighbours are drawn, as within Persian words.
    """
    return char in JOINERS or unicodedata.category(char).startswith("M")


def is_of_word(char: str) -> bool:
    """Return whether a character goes on a word with its neighbours.

    >>> [is_of_word(char) for char in "a7é.日"]
    [True, True, True, False, False]
    """
    return (char.isalnum() or is_mark(char)) and not UNSPACED.match(char)
