import pytest
from opensearchpy import OpenSearch

from splare_os.errors import MappingError
from splare_os.search.query.filters import parse_filters, require_fields

from ..conftest import Library

EN = {"match": {"lang": {"query": "en", "operator": "and"}}}
RANGE = {"range": {"year": {"gte": 2000}}}


def test_a_filter_is_a_field_and_its_value_or_query_dsl() -> None:
    assert parse_filters([]) is None
    assert parse_filters(["lang:en"]) == EN
    assert parse_filters(["url: http://a"])["match"]["url"]["query"] == "http://a"
    assert parse_filters(['{"range": {"year": {"gte": 2000}}}']) == RANGE


def test_all_filters_hold() -> None:
    both = parse_filters(["lang:en", '{"range": {"year": {"gte": 2000}}}'])
    assert both == {"bool": {"filter": [EN, RANGE]}}


@pytest.mark.parametrize("text", ["lang", ":en", "lang:", "{", "  "])
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="filter "):
        parse_filters([text])


@pytest.mark.opensearch
def test_a_field_that_is_not_there_is_named(client: OpenSearch, library: Library) -> None:
    for good in ([], ["group:1"], ["group:1", "text:oil"], ['{"bool": {"filter": {}}}']):
        require_fields(client, library.index, good)
    for texts in (["grop:1"], ["group:1", "grop:1"]):
        with pytest.raises(MappingError, match="'library' has no field 'grop' to filter by"):
            require_fields(client, library.index, texts)
