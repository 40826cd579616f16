import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splare_os.search.highlight.fragments import (
    SENTENCE_END,
    Form,
    Mark,
    fragments,
    passages,
)

TEXT = "Oil rose. Nobody sold the oil, or so they say. Prices fell!"


def marks(text: str, *words: str, weight: float = 1.0) -> list[Mark]:
    return sorted(Mark(text.index(w), text.index(w) + len(w), weight) for w in words)


def test_fragments_are_sentences_with_marks_in_the_order_of_the_text() -> None:
    found = fragments([TEXT], [marks(TEXT, "Oil", "oil", "fell")], Form())
    assert found == [
        "<em>Oil</em> rose.",
        "Nobody sold the <em>oil</em>, or so they say.",
        "Prices <em>fell</em>!",
    ]


def test_the_best_are_kept_in_their_order_or_come_best_first() -> None:
    weights = [*marks(TEXT, "Oil", weight=2.0), *marks(TEXT, "oil"), *marks(TEXT, "fell", weight=3)]
    two = fragments([TEXT], [weights], Form(number_of_fragments=2))
    assert two == ["<em>Oil</em> rose.", "Prices <em>fell</em>!"]
    assert fragments([TEXT], [weights], Form(number_of_fragments=2, by_score=True)) == two[::-1]


def test_no_number_of_fragments_gives_whole_values_that_have_marks() -> None:
    found = fragments([TEXT, "none", "a, b"], [marks(TEXT, "oil"), [], marks("a, b", "b")], WHOLE)
    assert found == [TEXT.replace("oil", "<em>oil</em>"), "a, <em>b</em>"]


WHOLE = Form(number_of_fragments=0)


def test_no_size_gives_whole_sentences() -> None:
    long = f"{'word ' * 100}oil. Another."
    found = fragments([long], [marks(long, "oil")], Form(fragment_size=0))
    assert found == [f"{'word ' * 100}<em>oil</em>."]


def test_tags_stand_around_escaped_text() -> None:
    form = Form("<b>", "</b>", number_of_fragments=0, escapes_html=True)
    text = "a < b & \"c\" / 'd'"
    assert fragments([text], [marks(text, "b")], form) == [
        "a &lt; <b>b</b> &amp; &quot;c&quot; &#x2F; &#x27;d&#x27;"
    ]


def test_a_long_sentence_is_cut_at_the_first_word_after_the_size() -> None:
    assert passages("It rained all day", 4) == [(0, 10), (10, 14), (14, 17)]
    assert passages("石油禁运", 2) == [(0, 2), (2, 4)]
    assert passages("unbroken", 2) == [(0, 8)]
    assert passages("น้ำมัน", 1) == [(0, 2), (2, 3), (3, 5), (5, 6)]  # no mark without its letter


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It cost 3.5 dollars. Then more.", ["It cost 3.5 dollars. ", "Then more."]),
        ("approx. ten of them", ["approx. ten of them"]),
        ('He said "no." She left.', ['He said "no." ', "She left."]),
        ("A title\n\nits text", ["A title\n\n", "its text"]),
        ("第一。第二！", ["第一。", "第二！"]),
        ("", []),
    ],
)
def test_sentences_end_where_readers_see_an_end(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in passages(text, 100)] == sentences


def test_the_beginning_stands_for_a_field_without_marks_if_asked() -> None:
    assert fragments(["", TEXT], [[], []], Form()) == []
    assert fragments(["", TEXT], [[], []], Form(no_match_size=50)) == ["Oil rose."]
    assert fragments(["a<b c d e"], [[]], Form(no_match_size=3, escapes_html=True)) == ["a&lt;b"]
    assert fragments([], [], Form(no_match_size=50)) == []


class Looked(list[Mark]):
    """Marks that count how often one is looked at."""

    n = 0

    def __iter__(self) -> Iterator[Mark]:
        self.n += len(self)
        return super().__iter__()

    def __getitem__(self, place: Any) -> Any:
        self.n += 1
        return super().__getitem__(place)


def test_a_long_text_is_looked_through_once() -> None:
    text = "It rained oil. " * 1000
    marks = Looked(Mark(at + 10, at + 13, 1.0) for at in range(0, len(text), 15))
    found = fragments([text], [marks], Form(number_of_fragments=2))
    assert found == ["It rained <em>oil</em>."] * 2
    assert marks.n < 50 * len(marks)  # not all of them for each sentence


def test_of_a_long_text_without_marks_the_beginning_alone_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends: list[int] = []
    monkeypatch.setattr(
        "splare_os.search.highlight.fragments._goes_on", lambda _, end: bool(ends.append(end))
    )
    assert fragments(["It rained. " * 1000], [[]], Form(no_match_size=50)) == ["It rained."]
    assert ends == [11]


@given(st.text(alphabet="ab .!?\n石。'\"", max_size=60), st.integers(1, 20))
def test_passages_cover_a_text_without_gap_or_overlap(text: str, size: int) -> None:
    found = passages(text, size)
    assert "".join(text[start:end] for start, end in found) == text
    assert all(start < end for start, end in found)


@given(st.data())
def test_fragments_without_their_tags_are_pieces_of_the_text(data: st.DataObject) -> None:
    text = data.draw(st.text(alphabet="ab .!\n", min_size=1, max_size=40))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    spans = [Mark(a, b, 1.0) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    form = Form("[", "]", data.draw(st.integers(1, 20)), 50)
    for found in fragments([text], [spans], form):
        assert found.replace("[", "").replace("]", "") in text
        assert found.count("[") == found.count("]") > 0


PLAIN = re.compile(r"[.!?…]+[\"'”’»)\]]*\s+|[。！？]+[」』”）]*\s*|\s*\n\s*")


@given(st.text(alphabet=".!…\"') \n\t\u3000a。」", max_size=30))
def test_sentences_end_where_the_plain_pattern_says(text: str) -> None:
    found, plain = SENTENCE_END.finditer(text), PLAIN.finditer(text)
    assert [one.span() for one in found] == [one.span() for one in plain]


@pytest.mark.parametrize("run", [".", " ", "\t", "\n", "?!", '."', "a", "。"])
def test_a_long_run_of_one_kind_takes_no_longer_than_a_text(run: str) -> None:
    text = run * 60_000  # with every start tried up to the end it would take minutes
    bounds = passages(text, 100)
    assert (bounds[0][0], bounds[-1][1]) == (0, len(text))
