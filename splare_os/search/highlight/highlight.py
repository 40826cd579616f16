"""A hit's highlight: the spans behind the latents that its text and the query share, marked."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeAlias

from ...documents.fields import SUFFIX
from ...documents.places import Place
from ..explain.evidence import Evidence
from ..explain.words import trimmed, widened
from .asked import impacts_name
from .fragments import Form, Mark, fragments

Places: TypeAlias = list[tuple[Evidence, Place]]
"""Values that are to be marked, each with what one clause found in the document."""


def highlight(evidence: Sequence[Evidence], forms: Mapping[str, Form]) -> dict[str, list[str]]:
    """Return fragments by field, as a hit's `highlight` has them; no field without fragments.

    A name is that of a text field, a pattern of such, or the impacts field, which stands for all
    texts that its impacts were made of.
    """
    made: dict[str, list[str]] = {}
    for name, form in forms.items():
        least = {id(one): _least_weight(one, form) for one in evidence}
        for field, own in _by_field(evidence, impacts_name(name)).items():
            values = _marked(own, form, least)
            found = fragments([text for text, _ in values], [marks for _, marks in values], form)
            if found:
                made.setdefault(name if field == impacts_name(name) else field, found)
    return made


def _by_field(evidence: Sequence[Evidence], name: str) -> dict[str, Places]:
    """Return what is to be marked, by the field that is named; patterns name several."""
    found: dict[str, Places] = {}
    for one in evidence:
        for place in one.found.places:
            if name.endswith(SUFFIX) and fnmatchcase(one.sought.field, name):
                found.setdefault(one.sought.field, []).append((one, place))
            elif fnmatchcase(place.field, name):
                found.setdefault(place.field, []).append((one, place))
    return found


def _marked(places: Places, form: Form, least: Mapping[int, float]) -> list[tuple[str, list[Mark]]]:
    """Return each value once, in the order of the text, with its marks by rising start.

    `least` is what a mark of a clause, by the evidence's identity, has to weigh.
    Clauses that read the same value mark it together, and so do its places in a template.
    """
    values: dict[tuple[str, int], str] = {}
    marks: dict[tuple[str, int], list[Mark]] = {}
    for one, place in places:
        key = place.field, place.number
        values[key] = place.value
        kept = [mark for mark in marks_of(one, place, form) if mark.weight >= least[id(one)]]
        marks.setdefault(key, []).extend(kept)
    return [(value, joined(marks[key])) for key, value in values.items()]


def _least_weight(evidence: Evidence, form: Form) -> float:
    """Return what a mark of one clause has to weigh."""
    every = [mark for place in evidence.found.places for mark in marks_of(evidence, place, form)]
    return least_weight(every, evidence.score, form)


def marks_of(evidence: Evidence, place: Place, form: Form) -> list[Mark]:
    """Return the marks that one clause makes in one value, whatever they weigh."""
    found = [
        Mark(*place.inside(*evidence.spans.get(one.latent, (0, 0))), one.score)
        for one in evidence.contributions
    ]
    return marks_in(place.value, found, form)


def marks_in(text: str, spans: Sequence[Mark], form: Form) -> list[Mark]:
    """Return spans of a text as they are marked, by rising start.

    White space is no part of a mark. In whole words a mark holds a letter or a digit: what a
    latent found in punctuation alone is not marked.
    """
    found = []
    for first, last, weight in spans:
        start, end = trimmed(text, first, last)
        if start == end:
            continue
        if form.whole_words:
            if not any(map(str.isalnum, text[start:end])):
                continue
            start, end = widened(text, start, end)
        found.append(Mark(start, end, weight))
    return joined(found)


def least_weight(marks: Sequence[Mark], score: float, form: Form) -> float:
    """Return what a mark has to weigh to be shown: a share of the score, or the mean of marks.

    So the heaviest stays, and where all are about as light, most.
    """
    mean = sum(mark.weight for mark in marks) / len(marks) if marks else 0.0
    return min(form.min_share * score, mean * (1 - 1e-9))


def joined(marks: Sequence[Mark]) -> list[Mark]:
    """Return marks by rising start, those that overlap as one.

    >>> joined([Mark(4, 7, 1.0), Mark(0, 3, 0.5), Mark(4, 7, 2.0)])
    [Mark(start=0, end=3, weight=0.5), Mark(start=4, end=7, weight=3.0)]
    """
    found: list[Mark] = []
    for mark in sorted(marks):
        if found and mark.start < found[-1].end:
            last = found.pop()
            mark = Mark(last.start, max(last.end, mark.end), last.weight + mark.weight)
        found.append(mark)
    return found
