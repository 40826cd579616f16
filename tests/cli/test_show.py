from dataclasses import replace
from io import StringIO

from rich.console import Console, RenderableType

from splare_os.cli.comparison import Comparison
from splare_os.cli.show import comparison_panel, excerpt, hits_table, marked
from splare_os.search import Hit, Match

MATCH = Match(7, 1.0, 2.0, 2.0, "dough", "loaf")
SOURCE = {"price": "2.50", "text": "a loaf\nrises slowly", "title": "Bread and more", "year": 7}
HIT = Hit("a", 2.0, SOURCE, [MATCH], texts=(SOURCE["title"], SOURCE["text"]))


def drawn(what: RenderableType) -> str:
    console = Console(width=90, record=True, file=StringIO())
    console.print(what)
    return console.export_text()


def test_an_excerpt_is_of_what_was_encoded_on_one_line() -> None:
    assert excerpt(HIT, 80) == "Bread and more — a loaf rises slowly"
    assert excerpt(HIT, 10) == "Bread and…"


def test_fields_that_were_asked_for_are_shown_by_name() -> None:
    hit = replace(HIT, source={"price": "2.50", "tags": ["a"], "of": {"year": 7}})
    shown = drawn(hits_table([hit], explain=False, fields=True))
    assert 'price: 2.50, tags: ["a"], of: {"year": 7}' in shown


def test_hits_are_drawn_with_rank_score_and_matches() -> None:
    text = drawn(hits_table([HIT, Hit("b", 1.5, {"text": "x"}, texts=("x",))]))
    assert "2.000" in text
    assert "dough → loaf" in text
    assert "1.500" in text


def test_ids_of_several_indices_have_theirs_before_them() -> None:
    one, other = replace(HIT, index="old"), replace(HIT, index="new")
    assert "old/a" in drawn(hits_table([one, other]))
    assert "old" not in drawn(hits_table([one, one]))


def test_a_match_has_the_label_of_its_latent() -> None:
    labelled = replace(HIT, matches=[replace(MATCH, label="bread\x1b, dough")])
    assert "dough → loaf  [bread, dough]" in drawn(hits_table([labelled]))


def test_words_that_matched_are_bold() -> None:
    console = Console(width=90, record=True, file=StringIO(), force_terminal=True)
    console.print(hits_table([HIT]))
    assert "\x1b[1mloaf\x1b[0m" in console.export_text(styles=True)


def test_passages_that_matched_are_shown_with_their_words() -> None:
    text = "Bread. It rained. A \x1b\ue000loaf rises.\ue001"
    start = text.index("loaf")
    match = replace(MATCH, document_span=(start, start + 4))
    shown = marked(replace(HIT, matches=[match], text=text))
    assert (shown.plain, [str(span.style) for span in shown.spans]) == ("A loaf rises.", ["bold"])
    assert shown.plain[shown.spans[0].start : shown.spans[0].end] == "loaf"
    drawn_so = drawn(hits_table([replace(HIT, matches=[match], text=text)], highlight=True))
    assert "A loaf rises." in drawn_so
    assert "rained" not in drawn_so
    assert "dough → loaf" in drawn_so


def test_texts_are_shown_as_they_are_and_cannot_steer_the_terminal() -> None:
    odd = Hit("[b]", 1.0, {}, texts=("[/INST] [a] :smile: \x1b[31mred",))
    for text in (
        drawn(hits_table([odd])),
        drawn(comparison_panel(Comparison("[/x]", [odd], [odd]))),
    ):
        assert "[/INST] [a] :smile: [31mred" in text


def test_a_comparison_shows_both_rankings_and_why() -> None:
    text = drawn(comparison_panel(Comparison("why", [], [HIT])))
    for part in (
        "why",
        "BM25",
        "SPLARE",
        "(nothing)",
        "1. 2.00  Bread and more",
        "latent      7  +2.00",
    ):
        assert part in text


def test_ids_words_and_texts_of_any_kind_and_length_leave_the_terminal_alone() -> None:
    evil = "\x1b[2J\u202e\x07" + "u" * 2**20
    matches = [replace(MATCH, latent=n, document_text=evil, label="\x9b1m") for n in range(10_000)]
    hit = Hit("\x1b]0;title\x07\u202eid", 1.0, {evil: evil}, matches, texts=(evil,))
    start = evil.index("u")
    placed = [replace(MATCH, document_text=evil, document_span=(start, len(evil)))]
    marked_hit = replace(hit, matches=placed, text=evil)
    for shown in (
        hits_table([hit]),
        hits_table([hit], fields=True),
        hits_table([marked_hit], highlight=True),
        comparison_panel(Comparison("\x1bq", [hit], [hit])),
    ):
        text = drawn(shown)
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
        assert len(text) < 3_000
