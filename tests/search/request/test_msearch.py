import pytest

from splare_os.search.request.msearch import parse_msearch, with_searches


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"index": "a"}\n{"size": 1}\n', [({"index": "a"}, {"size": 1})]),
        ('\n{"size": 1}\n', [({}, {"size": 1})]),
        ('\n{"size": 1}\n\n{"size": 2}\n', [({}, {"size": 1}), ({}, {"size": 2})]),
        ('{}\n{"size": 1}\n\n{"size": 2}\n', [({}, {"size": 1}), ({}, {"size": 2})]),
        (b'{}\n{"size": 1}\n', [({}, {"size": 1})]),
        ('\n{"index": "a"}\n{"size": 1}\n', [({"index": "a"}, {"size": 1})]),
        ('{}\n{"size": 1}\n\n', [({}, {"size": 1})]),
        ('{}\n{"size": 1}\n{"index": "a"}\n', [({}, {"size": 1})]),
        ('\n{"index": "a"}\n{"size": 1}\n  \n', [({"index": "a"}, {"size": 1})]),
        ('{"index": "a"}\n', None),
        ('{}\n{"size": 1}', None),
        ("{}\n{\n", None),
        ("{}\n\n", None),
        ("{}\n[]\n", None),
        ("", None),
        (None, None),
    ],
)
def test_pairs_are_those_that_a_server_reads(text, expected):
    assert parse_msearch(text) == expected


def test_lines_are_kept_as_they_were_sent_but_for_searches_in_their_place():
    sent = b'\n{"index" : "a"}\n{ }\n\n{"size":  1}\n'
    assert with_searches(sent, [None, None]) == '{"index" : "a"}\n{ }\n\n{"size":  1}\n'
    changed = with_searches(sent, [None, {"query": {"term": {"a": "ü"}}}])
    assert changed.startswith('{"index" : "a"}\n{ }\n\n')
    assert parse_msearch(changed) == [({"index": "a"}, {}), ({}, {"query": {"term": {"a": "ü"}}})]


def test_an_empty_header_at_the_beginning_is_written_out():
    assert with_searches('\n{"size":  1}\n\n{}\n', [None, None]) == '{}\n{"size":  1}\n\n{}\n'


def test_a_last_header_without_a_body_keeps_its_line() -> None:
    sent = '{}\n{"size":  1}\n{"index": "a"}\n'
    assert with_searches(sent, [None]) == sent
    assert with_searches("{}\n{}\n\n", [{"size": 2}]) == '{}\n{"size": 2}\n\n'


def test_each_search_has_one_in_its_place():
    with pytest.raises(ValueError, match="shorter"):
        with_searches("{}\n{}\n", [])


def test_a_key_that_stands_twice_is_for_the_server_to_refuse() -> None:
    assert parse_msearch('{}\n{"size": 1, "size": 2}\n') is None
