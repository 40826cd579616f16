"""What is shown of a hit that was explained: its best fragments, words that matched marked."""

from ..highlight.fragments import Form, Mark, fragments
from ..highlight.highlight import least_weight, marks_in
from .hits import Hit

SHORT = Form(fragment_size=160, number_of_fragments=2, no_match_size=160)
"""Two sentences or so, or the beginning of a text that has no marks."""


def snippets(hit: Hit, form: Form = SHORT) -> list[str]:
    """Return fragments of the text that was encoded, by their matches; the beginning if none has.

    The hit has to be explained. Marks are those of the drop-in client's highlights.
    """
    spans = [Mark(*one.document_span, one.score) for one in hit.matches if one.document_span]
    marks = marks_in(hit.text, spans, form)
    least = least_weight(marks, sum(one.score for one in hit.matches), form)
    return fragments([hit.text], [[mark for mark in marks if mark.weight >= least]], form)
