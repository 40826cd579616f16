"""Texts as the page shows them: pieces, each marked or not, so that no markup is ever made.

A piece is `[text, is_marked]`. What marks is set between tags that no document can hold, as they
are drawn anew whenever the server starts.
"""

import re
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from ..search.highlight.fragments import Form, Mark, fragments
from ..search.hits.hits import Hit
from ..search.hits.snippets import snippets

Piece: TypeAlias = tuple[str, bool]
Pieces: TypeAlias = list[Piece]

OPEN, CLOSE = (f"\ue000{secrets.token_hex(8)}\ue001" for _ in range(2))
"""No control characters: the server trims those off the ends of a fragment."""

_TAGS = re.compile(f"({OPEN}|{CLOSE})")

SHORT = Form(OPEN, CLOSE, fragment_size=200, number_of_fragments=2, no_match_size=240)
WHOLE = Form(OPEN, CLOSE, number_of_fragments=0)

MOST_SHOWN = 600
"""Characters of one fragment; a text without spaces is one however long it is."""


def pieces(tagged: str) -> Pieces:
    """Return the pieces of a text in which marks stand between `OPEN` and `CLOSE`.

    >>> pieces(f"the {OPEN}oil{CLOSE} crisis")
    [('the ', False), ('oil', True), (' crisis', False)]
    """
    found: Pieces = []
    is_marked = False
    for part in _TAGS.split(tagged):
        if part in {OPEN, CLOSE}:
            is_marked = part == OPEN
        elif part:
            found.append((part, is_marked))
    return found


def between(whole: Sequence[Piece], start: int, end: int) -> Pieces:
    """Return the characters [start, end) of a text in pieces.

    >>> between([("the ", False), ("oil", True)], 2, 5)
    [('e ', False), ('o', True)]
    """
    found: Pieces = []
    at = 0
    for text, is_marked in whole:
        inside = text[max(0, start - at) : max(0, end - at)]
        if inside:
            found.append((inside, is_marked))
        at += len(text)
    return found


def cut(tagged: Iterable[str]) -> list[Pieces]:
    """Return fragments as pieces, each of `MOST_SHOWN` characters at most."""
    return [_cut(pieces(one)) for one in tagged]


def _cut(whole: Pieces) -> Pieces:
    n_characters = sum(len(text) for text, _ in whole)
    found = between(whole, 0, MOST_SHOWN)
    return [*found, (" …", False)] if n_characters > MOST_SHOWN else found


def best_of(marked: Sequence[str], most: int) -> list[Pieces]:
    """Return the best passages of the first `most` characters of texts, marked whole by the server.

    A word counts the less, the more often it is marked.

    >>> best_of([f"It rained. The {OPEN}oil{CLOSE} crisis came."], 100)
    [[('The ', False), ('oil', True), (' crisis came.', False)]]
    """
    texts = list(map(pieces, marked))
    counts = Counter(word.lower() for text in texts for word, is_marked in text if is_marked)
    marks: list[list[Mark]] = [[] for _ in texts]
    for found, text in zip(marks, texts, strict=True):
        at = 0
        for part, is_marked in text:
            if is_marked:
                found.append(Mark(at, at + len(part), 1 / counts[part.lower()]))
            at += len(part)
    plain = ["".join(part for part, _ in text)[:most] for text in texts]
    return cut(fragments(plain, marks, SHORT))


def fragments_of(hit: Hit) -> list[Pieces]:
    """Return the passages of an explained hit that matched, or its beginning."""
    return cut(snippets(hit, SHORT))


def whole_text(hit: Hit) -> Pieces:
    """Return the whole text of an explained hit, its marks as in `fragments_of`."""
    marked = pieces("".join(snippets(hit, WHOLE)))
    return marked or ([(hit.text, False)] if hit.text else [])
