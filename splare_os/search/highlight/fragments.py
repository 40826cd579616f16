"""Texts with marked spans to fragments, in the shape of OpenSearch's unified highlighter.

A fragment is a sentence; one longer than `fragment_size` is cut at the next word.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..explain.words import UNSPACED, is_mark

SENTENCE_END = re.compile(
    r"(?<![.!?…])[.!?…]+[\"'”’»)\]]*\s+|[。！？]+[」』”）]*\s*|(?<!\s)\s*\n\s*"
)
"""Each part of it begins where a run of dots or blanks does: else every character of a run that
ends no sentence would be tried, up to its end."""

HTML = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "/": "&#x2F;"}
)
"""What the server's own highlighters write for these characters."""


MIN_SHARE = 0.03
"""Below, marks of the shipped model are mostly of words such as "is" and "functions"."""


class Mark(NamedTuple):
    """Characters [start, end) of a text, and how much of the score comes from there."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Form:
    """How fragments look; the names are those of OpenSearch's options, sizes are in characters.

    `number_of_fragments` 0: whole texts. `no_match_size`: how much of the beginning stands for
    a text without a mark. `whole_words`: marks are widened, and hold a letter or a digit.
    `min_share`: of a clause's score, what a mark holds at least; marks of the mean or more stay.
    """

    pre_tag: str = "<em>"
    post_tag: str = "</em>"
    fragment_size: int = 100
    number_of_fragments: int = 5
    by_score: bool = False
    no_match_size: int = 0
    escapes_html: bool = False
    whole_words: bool = True
    min_share: float = MIN_SHARE


class Passage(NamedTuple):
    """Characters [start, end) of the text numbered `text`, and the marks in them."""

    text: int
    start: int
    end: int
    marks: list[Mark]

    @property
    def score(self) -> float:
        """How much of the document's score comes from here."""
        return sum(mark.weight for mark in self.marks)


def fragments(texts: Sequence[str], marks: Sequence[Sequence[Mark]], form: Form) -> list[str]:
    """Return the best fragments of the values of a field, in their order or best first.

    `marks[i]` are those of `texts[i]`, by rising start, none over another. Fragments without a
    mark are not among them.
    """
    found = [
        Passage(number, start, end, inside)
        for number, text in enumerate(texts)
        if marks[number]
        for start, end in _bounds(text, form)
        if (inside := _inside(marks[number], start, end))
    ]
    if form.number_of_fragments:
        best = sorted(found, key=lambda one: -one.score)[: form.number_of_fragments]
        found = best if form.by_score else sorted(best)
    if found:
        return [_written(texts[one.text], one, form) for one in found]
    return _beginning(texts, form)


def _bounds(text: str, form: Form) -> list[tuple[int, int]]:
    size = form.fragment_size or len(text)
    return passages(text, size) if form.number_of_fragments else [(0, len(text))]


def passages(text: str, size: int) -> list[tuple[int, int]]:
    """Return the sentences of a text; those of more than `size` characters in parts.

    A part ends at the first word that begins at `size` or after it.

    >>> passages("It rained. We went home.", 100)
    [(0, 11), (11, 24)]
    >>> passages("It rained all day", 4)
    [(0, 10), (10, 14), (14, 17)]
    """
    return list(_passages(text, size))


def _passages(text: str, size: int) -> Iterator[tuple[int, int]]:
    start = 0
    for found in SENTENCE_END.finditer(text):
        if not _goes_on(text, found.end()):
            yield from _parts(text, start, found.end(), size)
            start = found.end()
    if start < len(text):
        yield from _parts(text, start, len(text), size)


def _goes_on(text: str, end: int) -> bool:
    """Return whether a sentence goes on behind what looks like its end, as in "approx. ten"."""
    return text[end : end + 1].islower() and "\n" not in text[max(end - 2, 0) : end]


def _parts(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    at = start + size
    while at < end:
        if text[at - 1].isspace() or (UNSPACED.match(text[at]) and not is_mark(text[at])):
            yield start, at
            start, at = at, at + size
        else:
            at += 1
    yield start, end


def _inside(marks: Sequence[Mark], start: int, end: int) -> list[Mark]:
    first = bisect_right(marks, start, key=lambda mark: mark.end)
    last = bisect_left(marks, end, lo=first, key=lambda mark: mark.start)
    return [
        Mark(max(mark.start, start), min(mark.end, end), mark.weight) for mark in marks[first:last]
    ]


def _written(text: str, passage: Passage, form: Form) -> str:
    pieces, at = [], passage.start
    for mark in passage.marks:
        inside = _plain(text[mark.start : mark.end], form)
        pieces += [_plain(text[at : mark.start], form), form.pre_tag, inside, form.post_tag]
        at = mark.end
    return "".join([*pieces, _plain(text[at : passage.end], form)]).strip()


def _plain(text: str, form: Form) -> str:
    return text.translate(HTML) if form.escapes_html else text


def _beginning(texts: Sequence[str], form: Form) -> list[str]:
    """Return the first passage of a field without marks, or nothing, as `no_match_size` says."""
    text = next((one.lstrip() for one in texts if one.strip()), "")
    if not form.no_match_size or not text:
        return []
    start, end = next(_passages(text, form.no_match_size))
    return [_plain(text[start:end], form).strip()]
