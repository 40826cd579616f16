import pytest

from splare_os.search.rules.words import Asked, asked, words_of


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"match": {"text": "oil price"}}, Asked("oil price", ("text",))),
        ({"match": {"text": {"query": " oil ", "boost": 2}}}, Asked("oil", ("text",), 2.0)),
        ({"match": {"text": {"query": "oil", "operator": "and"}}}, Asked("oil", ("text",))),
        (
            {"multi_match": {"query": "oil -x", "fields": ["title^3", "te*"]}},
            Asked("oil -x", ("title", "te*")),
        ),
        ({"multi_match": {"query": "oil"}}, Asked("oil", ())),
        ({"query_string": {"query": "oil", "default_field": "text"}}, Asked("oil", ("text",))),
        ({"simple_query_string": {"query": "oil", "fields": ["a"]}}, Asked("oil", ("a",))),
        ({"match": {"text": "  "}}, None),
        ({"match": {"text": 1973}}, None),
        ({"match": {"text": "oil", "title": "oil"}}, None),
        ({"match": "oil"}, None),
        ({"match_phrase": {"text": "oil"}}, None),
        ({"match_bool_prefix": {"text": "oi"}}, None),
        ({"term": {"text": "oil"}}, None),
        ({"multi_match": {"query": "oi", "type": "bool_prefix"}}, None),
        ({"multi_match": {"query": "oil price", "type": "phrase"}}, None),
        ({"query_string": {"query": 5}}, None),
        ({"match": {"text": "a"}, "term": {"b": 1}}, None),
    ],
)
def test_a_clause_asks_words_of_fields(query, found):
    assert asked(query, plain=False) == found


@pytest.mark.parametrize(
    ("text", "simple", "full"),
    [
        ("oil price", "oil price", "oil price"),
        ("well-known oil's C++", "well-known oil's C++", "well-known oil's C++"),
        ('"oil price" shock', "oil price shock", "oil price shock"),
        ("+oil -price", "oil", "oil"),
        ('oil -"price shock" war', "oil war", "oil war"),
        ("oil !price", "oil !price", "oil"),
        ("oil AND price OR war", "oil AND price OR war", "oil price war"),
        ("oil NOT price war", "oil NOT price war", "oil war"),
        ('oil NOT "price war"', "oil NOT price war", "oil"),
        ("not oil and war", "not oil and war", "not oil and war"),
        ("title:oil", "title:oil", None),
        ("oil^2", "oil^2", None),
        ("oil AND NOT NOT price", "oil AND NOT NOT price", None),
        ("oil NOT", "oil NOT", None),
        ("oi*", None, None),
        ("oil~1", None, None),
        ("(oil price)", None, None),
        ("-(oil price)", None, None),
        ('"oil', None, None),
        ('"oil price"~3', None, None),
        ('a"b', None, None),
        ("oil | price", None, "oil | price"),
        ("oil || price", None, None),
        ("oil && price", "oil && price", None),
        ("AT&T", "AT&T", "AT&T"),
        ("--oil", None, None),
        ("oil - price", None, None),
        ("year:[1970 TO 1980]", "year:[1970 TO 1980]", None),
        ("/oi[l]/", "/oi[l]/", None),
        (r"oil\-price", None, None),
        ('""', None, None),
        ("-oil", "", ""),
    ],
)
def test_words_are_taken_of_a_syntax_where_there_is_no_doubt(text, simple, full):
    assert words_of("simple_query_string", text, plain=False) == simple
    assert words_of("query_string", text, plain=False) == full


@pytest.mark.parametrize("text", ["+oil", "oil -price", '"oil price"', "oil AND price", "!oil"])
def test_where_documents_are_added_no_operator_is_passed_over(text):
    assert words_of("query_string", text, plain=True) is None
    assert words_of("query_string", "oil price", plain=True) == "oil price"


def test_signs_that_flags_switch_off_are_not_guessed_at():
    query = {"simple_query_string": {"query": "oil -price", "flags": "NONE"}}
    assert asked(query, plain=False) is None
    assert asked({"simple_query_string": {"query": "-oil"}}, plain=False) is None
