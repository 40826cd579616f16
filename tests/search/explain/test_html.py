from splare_os.search import Hit, Match
from splare_os.search.explain.html import hit_html, safe


def match(**changed: object) -> Match:
    told = {"query_text": "oil", "document_text": "petrol", "share": 0.25, "label": "fuel"}
    return Match(7, 1.0, 2.0, 2.0, **(told | changed))  # type: ignore[arg-type]


def test_a_hit_shows_its_latents_in_a_notebook() -> None:
    hit = Hit("d1", 3.25, {}, [match()])
    html = hit._repr_html_()
    for told in ("<b><bdi>d1</bdi></b> 3.250", "<td>7</td>", "fuel", "petrol", "25%", "width:25px"):
        assert told in html, told
    assert "<table>" not in Hit("d1", 3.25, {})._repr_html_()


def test_what_documents_and_labels_say_is_never_html() -> None:
    evil = "<script>alert(1)</script>"
    html = hit_html(evil, 1.0, [match(query_text=evil, document_text=evil, label=evil)])
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 4


def test_a_text_from_right_to_left_turns_nothing_around_it() -> None:
    assert safe("\u202eabc") == "<bdi>\u202eabc</bdi>"
    assert not safe("")


def test_what_nobody_can_read_whole_is_cut() -> None:
    wide = match(share=5e-5, document_text="u" * 2**20)
    html = Hit("d1", 1.0, {}, [wide] * 10_000)._repr_html_()
    assert len(html) < 50_000
    assert html.count("<tr>") == 51
    assert html.endswith("<p>and 9,950 more, 50%</p>")
    assert "u…</bdi>" in html


def test_control_characters_are_seen_and_do_nothing() -> None:
    html = hit_html("a\x00", 1.0, [match(document_text="\x1b[2J", label="\x7f\u2028")])
    assert not {"\x00", "\x1b", "\x7f"} & set(html)
    assert "␀" in html
    assert "␛[2J" in html
