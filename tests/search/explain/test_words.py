import pytest

from splare_os.search.explain.words import LONGEST_WORD, widened


@pytest.mark.parametrize(
    ("text", "span", "word"),
    [
        ("the embargoes ended", (6, 9), "embargoes"),
        ("don't stop", (0, 2), "don"),
        ("a b", (1, 1), ""),
        ("(e)x7!", (3, 4), "x7"),
        ("石油禁运结束", (2, 3), "禁"),
        ("ราคาน้ำมัน", (0, 2), "รา"),
        ("cafe\u0301s open", (0, 2), "cafe\u0301s"),
        ("น้ำมัน", (0, 1), "น้"),
        ("น้ำมัน", (1, 3), "น้ำ"),
        ("نان می\u200cخواهم", (4, 6), "می\u200cخواهم"),
    ],
)
def test_a_span_is_widened_to_words_where_script_has_words(
    text: str, span: tuple[int, int], word: str
) -> None:
    start, end = widened(text, *span)
    assert text[start:end] == word


def test_a_text_without_blanks_is_no_word() -> None:
    text = "a" * 1_000
    assert widened(text, 500, 502) == (500 - LONGEST_WORD, 502 + LONGEST_WORD)
    assert widened("a" * LONGEST_WORD + "b", LONGEST_WORD, LONGEST_WORD + 1)[0] == 0
