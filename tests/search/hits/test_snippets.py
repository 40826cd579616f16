from splare_os.search import Hit, Match
from splare_os.search.highlight.fragments import Form
from splare_os.search.hits.snippets import snippets

TEXT = "Bread. It rained all day. A loaf rises slowly; then it is baked."
AT = TEXT.index("loaf")


def match(latent: int, score: float, span: tuple[int, int] | None) -> Match:
    return Match(latent, 1.0, score, score, "dough", "", document_span=span)


def test_sentences_that_matched_are_shown_with_their_words() -> None:
    matches = [match(1, 2.0, (AT, AT + 2)), match(2, 1.0, (0, 5)), match(3, 1.0, None)]
    hit = Hit("a", 4.0, {}, matches, TEXT)
    whole = ["<em>Bread</em>.", "A <em>loaf</em> rises slowly; then it is baked."]
    assert snippets(hit) == whole
    exact = Form(whole_words=False, number_of_fragments=1, pre_tag="[", post_tag="]")
    assert snippets(hit, exact) == ["A [lo]af rises slowly; then it is baked."]


def test_light_matches_are_left_out() -> None:
    heavy, light = match(1, 9.8, (AT, AT + 4)), match(2, 0.2, (0, 5))
    assert snippets(Hit("a", 10.0, {}, [heavy, light], TEXT)) == [
        "A <em>loaf</em> rises slowly; then it is baked."
    ]


def test_a_text_without_marks_begins() -> None:
    assert snippets(Hit("a", 1.0, {}, [match(1, 1.0, None)], TEXT)) == ["Bread."]
    assert snippets(Hit("a", 1.0, {}, [], "")) == []
