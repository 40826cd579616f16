"""Words around a span of characters: tokens are often parts of one."""

import re
import unicodedata

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
"""Characters of scripts that write no spaces: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""


def widened(text: str, start: int, end: int) -> tuple[int, int]:
    """Return [start, end) widened to whole words; an empty span, and unspaced script, stay.

    >>> widened("the embargoes ended", 6, 9)
    (4, 13)
    """
    if start == end:
        return start, end
    while start > 0 and is_of_word(text[start - 1]) and is_of_word(text[start]):
        start -= 1
    while end < len(text) and is_of_word(text[end]) and is_of_word(text[end - 1]):
        end += 1
    return start, end


def is_of_word(char: str) -> bool:
    """Return whether a character goes on a word with its neighbours.

    >>> [is_of_word(char) for char in "a7é.日"]
    [True, True, True, False, False]
    """
    is_word = char.isalnum() or unicodedata.category(char).startswith("M")
    return is_word and not UNSPACED.match(char)
