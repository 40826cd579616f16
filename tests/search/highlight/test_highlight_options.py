from typing import Any

import pytest

from splare_os.search.highlight.fragments import Form
from splare_os.search.highlight.highlight_options import check_top, form_of


def test_nothing_asked_looks_as_opensearchs_own_highlight() -> None:
    assert form_of("text", {"fields": {}}, {}) == Form(
        "<em>", "</em>", fragment_size=100, number_of_fragments=5
    )


def test_a_fields_own_options_go_before_those_at_the_top() -> None:
    top = {"pre_tags": ["<b>", "<i>"], "post_tags": "</b>", "fragment_size": 50, "order": "score"}
    own = {"type": "splare", "fragment_size": 80, "number_of_fragments": "0", "order": "none"}
    assert form_of("text", top, own) == Form("<b>", "</b>", 80, 0, by_score=False)
    assert form_of("text", top, {}) == Form("<b>", "</b>", 50, by_score=True)


def test_the_others_are_read_too() -> None:
    own = {
        "encoder": "html",
        "no_match_size": 20,
        "boundary_scanner": "sentence",
        "options": {"whole_words": False, "min_share": 0},
    }
    assert form_of("text", {}, own) == Form(
        no_match_size=20, escapes_html=True, whole_words=False, min_share=0
    )


def test_options_of_the_servers_highlighters_may_stand_at_the_top_but_not_in_the_field() -> None:
    assert form_of("text", {"require_field_match": False}, {}) == Form()
    with pytest.raises(ValueError, match=r"field 'text' has \['require_field_match'\]; .*splare"):
        form_of("text", {}, {"require_field_match": False})


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ("x", "field 'text' is 'x'"),
        ({"pre_tags": []}, r"pre_tags=\[\]"),
        ({"post_tags": 7}, "post_tags=7"),
        ({"fragment_size": -1}, "fragment_size=-1: give a whole number of at least 0"),
        ({"fragment_size": True}, "fragment_size=True"),
        ({"number_of_fragments": -1}, "number_of_fragments=-1"),
        ({"no_match_size": 1.5}, r"no_match_size=1\.5"),
        ({"order": "length"}, "order='length': choose one of none, score"),
        ({"encoder": ["html"]}, r"encoder=\['html'\]: choose one of default, html"),
        ({"boundary_scanner": "word"}, "boundary_scanner='word': choose one of sentence"),
        ({"options": {"words": True}}, "knows min_share and whole_words"),
        ({"options": {"whole_words": 1}}, "whole_words=1: write true or false"),
        ({"options": {"min_share": 2}}, "min_share=2: give a share"),
        ({"options": []}, r"options=\[\]"),
    ],
)
def test_what_cannot_be_is_told(own: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        form_of("text", {}, own)


def test_options_at_the_top_that_nobody_follows_are_refused() -> None:
    check_top({"fields": {}, "type": "splare", "order": "score"}, is_shared=False)
    check_top({"require_field_match": False}, is_shared=True)
    with pytest.raises(ValueError, match=r"highlight has \['require_field_match'\]"):
        check_top({"require_field_match": False}, is_shared=False)
    with pytest.raises(ValueError, match="marks what the query's own clauses matched"):
        check_top({"highlight_query": {}}, is_shared=True)
