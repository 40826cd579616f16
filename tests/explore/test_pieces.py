from splare_os.explore.pieces import (
    CLOSE,
    MOST_SHOWN,
    OPEN,
    best_of,
    between,
    cut,
    fragments_of,
    whole_text,
)
from splare_os.search import Hit, Match


def hit(text: str, *spans: tuple[int, int]) -> Hit:
    matches = [
        Match(at, 1.0, 1.0, 1.0, "", "", document_span=span) for at, span in enumerate(spans)
    ]
    return Hit("a", 1.0, {}, matches, text)


def test_what_matched_is_marked_and_markup_stays_text() -> None:
    text = "<b>oil</b> & <em>gas</em>"
    assert whole_text(hit(text, (3, 6))) == [
        ("<b>", False),
        ("oil", True),
        ("</b> & <em>gas</em>", False),
    ]


def test_a_text_without_marks_is_whole() -> None:
    assert whole_text(hit("One. Two.\nThree.")) == [("One. Two.\nThree.", False)]
    assert whole_text(hit("Only, punctuation. Here.", (4, 5))) == [
        ("Only, punctuation. Here.", False)
    ]
    assert whole_text(hit("")) == []


def test_a_document_cannot_open_a_mark() -> None:
    for tag in ("<em>", "\x02", "\ue000", "\ue000\ue001", OPEN[:-1]):
        found = whole_text(hit(f"{tag}oil", (len(tag), len(tag) + 3)))
        assert "".join(text for text, _ in found) == f"{tag}oil"


def test_a_fragment_without_spaces_is_cut() -> None:
    (found,) = cut([f"{OPEN}{'a' * 10**6}{CLOSE}"])
    assert found == [("a" * MOST_SHOWN, True), (" …", False)]
    (shown,) = fragments_of(hit("b" * 10**6, (0, 3)))
    assert sum(len(text) for text, _ in shown) == MOST_SHOWN + 2


def test_of_words_that_the_server_marked_rare_ones_tell_the_best_passages() -> None:
    oil, embargo = (f"{OPEN}{word}{CLOSE}" for word in ("oil", "embargo"))
    text = f"{oil} and {oil}. " + f"More {oil}. " * 9 + f"An {embargo} came. " + f"End of {oil}."
    found = best_of([text, "nothing here"], 10_000)
    assert ["".join(part for part, _ in each) for each in found] == [
        "oil and oil.",
        "An embargo came.",
    ]
    assert found[1][1] == ("embargo", True)
    (found,) = best_of([f"One. {oil}. " + "So it is. " * 99 + embargo], 100)
    assert found == [("One. ", False), ("oil", True), (".", False)]
    assert best_of([], 100) == []


def test_parts_of_a_text_put_together_are_the_text() -> None:
    whole = [("the ", False), ("oil", True), (" crisis", False)]
    parts = [between(whole, start, start + 3) for start in range(0, 14, 3)]
    assert "".join(text for part in parts for text, _ in part) == "the oil crisis"
    assert "".join(text for part in parts for text, mark in part if mark) == "oil"
    assert between(whole, 99, 120) == []
