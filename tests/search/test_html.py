from splare_os.search import Hit, Match
from splare_os.search.html import hit_html, safe


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
