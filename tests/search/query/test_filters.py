from collections.abc import Iterator

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import MappingError
from splare_os.search.query.filters import find_filters, parse_filters

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
        assert find_filters(client, library.index, good) == parse_filters(good)
    for texts in (["grop:1"], ["group:1", "grop:1"]):
        with pytest.raises(MappingError, match="'library' has no field 'grop' to filter by"):
            find_filters(client, library.index, texts)


@pytest.fixture
def shop(client: OpenSearch) -> Iterator[str]:
    """Offers are nested in products, their places in objects, and stock is nested once more."""
    keyword = {"type": "keyword"}
    stock = {"type": "nested", "properties": {"size": keyword}}
    place = {"properties": {"city": keyword, "stock": stock}}
    offers = {"type": "nested", "properties": {"seller": keyword, "place": place}}
    mappings = {"properties": {"offers": offers, "brand": {"properties": {"name": keyword}}}}
    client.indices.create(index="shop-nested", body={"mappings": mappings})
    offer = {"seller": "Ann", "place": {"city": "Rome", "stock": [{"size": "L"}]}}
    document = {"brand": {"name": "Nordvik"}, "offers": [{"seller": "Bob"}, offer]}
    client.index(index="shop-nested", id="1", body=document, params={"refresh": "true"})
    yield "shop-nested"
    client.indices.delete(index="shop-nested")


@pytest.mark.opensearch
@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("brand.name:Nordvik", "brand.name:Ann"),
        ("offers.seller:Ann", "offers.seller:Rome"),
        ("offers.place.city:Rome", "offers.place.city:L"),
        ("offers.place.stock.size:L", "offers.place.stock.size:Bob"),
    ],
)
def test_fields_of_nested_objects_select(
    client: OpenSearch, library: Library, shop: str, text: str, other: str
) -> None:
    for index in (shop, f"{shop},{library.index}"):  # the other one has no such objects
        found = {"query": find_filters(client, index, [text])}
        assert [hit["_id"] for hit in client.search(index=index, body=found)["hits"]["hits"]] == [
            "1"
        ]
        assert (
            client.count(index=index, body={"query": find_filters(client, index, [other])})["count"]
            == 0
        )
