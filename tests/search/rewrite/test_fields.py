from typing import Any

import pytest
from opensearchpy import OpenSearch

from splare_os.search import SplareOpenSearch
from splare_os.search.request.rewritten import as_it_is
from splare_os.search.rewrite.fields import by_pattern, without_impacts_in_fields

from ..conftest import Library

EVERY = {"query": {"match_all": {}}, "size": 3, "_source": False}
NESTED = {"a": [{"b_splare.impacts": [{"1": 2.0}], "c": [1]}]}


@pytest.mark.parametrize(
    ("body", "is_so"),
    [
        (None, False),
        ({"fields": ["title"]}, False),
        ({"fields": "*"}, False),  # which servers refuse
        ({"fields": ["title", "te*"]}, True),
        ({"fields": [{"field": "*", "include_unmapped": True}]}, True),
        ({"fields": ["*", "text_splare.impacts"]}, False),
        ([{"size": 1}, {"collapse": {"inner_hits": {"fields": ["*"]}}}], True),
    ],
)
def test_patterns_may_fit_impacts(body: Any, is_so: bool) -> None:  # noqa: FBT001
    assert by_pattern(body) is is_so


def test_only_impacts_are_taken_away() -> None:
    finish = without_impacts_in_fields(as_it_is, {"fields": ["*"]})
    hits = [{"_id": "1", "fields": NESTED}, {"fields": {"x_splare.impacts": [1], "n": [2]}}]
    source = {"_source": {"fields": {"x_splare.impacts": 1}}}
    only = {"_id": "2", "fields": {"x_splare.impacts": [{"1": 2.0}]}}
    found = finish({"hits": {"hits": [*hits, source, only]}})["hits"]["hits"]
    kept = [{"_id": "1", "fields": {"a": [{"c": [1]}]}}, {"fields": {"n": [2]}}]
    assert found == [*kept, source, {"_id": "2"}]
    assert without_impacts_in_fields(as_it_is, {"fields": ["n"]}) is as_it_is


@pytest.mark.opensearch
@pytest.mark.parametrize("pattern", ["*", "text*", {"field": "*"}])
def test_hits_of_every_kind_have_fields_without_impacts(
    splare: SplareOpenSearch, client: OpenSearch, library: Library, pattern: Any
) -> None:
    part = {"fields": [pattern], "_source": False}
    inner = {"collapse": {"field": "group", "inner_hits": {"name": "x", **part}}}
    top = {"aggs": {"best": {"top_hits": {"size": 1, "_source": False, "fields": [pattern]}}}}
    for body in (EVERY | part, EVERY | inner, EVERY | top):
        theirs = str(client.search(index=library.index, body=body))
        ours = splare.search(index=library.index, body=body)
        (several,) = splare.msearch(body=[{"index": library.index}, body])["responses"]
        assert "text_splare.impacts" in theirs
        for reply in (ours, several):
            assert "text_splare.impacts" not in str(reply)
            assert str(reply).count("text_splare.count") == theirs.count("text_splare.count") > 0
    named = splare.search(index=library.index, body=EVERY | {"fields": ["*_splare.impacts"]})
    assert named["hits"]["hits"][0]["fields"]["text_splare.impacts"]
