import pytest
from llama_index.core.vector_stores import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

from splare_os.adapters.llama_index import to_dsl
from splare_os.search import SplareOpenSearch

PAIRS = [
    (FilterOperator.EQ, "year", 1974, ["2"]),
    (FilterOperator.NE, "year", 1974, ["1", "3", "4"]),
    (FilterOperator.GT, "year", 1980, ["4"]),
    (FilterOperator.GTE, "year", 1980, ["3", "4"]),
    (FilterOperator.LT, "year", 1974, ["1"]),
    (FilterOperator.LTE, "year", 1974, ["1", "2"]),
    (FilterOperator.IN, "year", [1973, 1990], ["1", "4"]),
    (FilterOperator.ANY, "year", [1973, 1990], ["1", "4"]),
    (FilterOperator.NIN, "year", [1973, 1990], ["2", "3"]),
    (FilterOperator.ALL, "lang.keyword", ["en"], ["1", "3", "4"]),
    (FilterOperator.CONTAINS, "lang.keyword", "fr", ["2"]),
    (FilterOperator.TEXT_MATCH, "text", "river of oil", ["3"]),
    (FilterOperator.IS_EMPTY, "nowhere", None, ["1", "2", "3", "4"]),
]


@pytest.mark.opensearch
@pytest.mark.parametrize(("operator", "key", "value", "found"), PAIRS)
def test_an_operator_selects_what_it_says(
    operator: FilterOperator,
    key: str,
    value: int,
    found: list[str],
    splare: SplareOpenSearch,
    papers: str,
) -> None:
    filters = MetadataFilters(filters=[MetadataFilter(key=key, value=value, operator=operator)])
    hits = splare.search(index=papers, body={"query": to_dsl(filters)})["hits"]["hits"]
    assert sorted(hit["_id"] for hit in hits) == found


@pytest.mark.parametrize(
    ("condition", "key"),
    [
        (FilterCondition.AND, "filter"),
        (FilterCondition.OR, "should"),
        (FilterCondition.NOT, "must_not"),
    ],
)
def test_conditions_nest(condition: FilterCondition, key: str) -> None:
    inner = MetadataFilters(filters=[MetadataFilter(key="a", value=1)])
    outer = MetadataFilters(
        filters=[inner, MetadataFilter(key="b", value="x")], condition=condition
    )
    parts = [{"bool": {"filter": [{"term": {"a": 1}}]}}, {"term": {"b": "x"}}]
    assert to_dsl(outer) == {"bool": {key: parts}}


def test_an_operator_without_a_query_is_refused() -> None:
    operator = FilterOperator.TEXT_MATCH_INSENSITIVE
    filters = MetadataFilters(filters=[MetadataFilter(key="a", value="x", operator=operator)])
    with pytest.raises(ValueError, match="text_match_insensitive"):
        to_dsl(filters)


def test_a_list_is_asked_for_where_one_is_needed() -> None:
    wrong = MetadataFilter(key="a", value="x", operator=FilterOperator.IN)
    with pytest.raises(ValueError, match="'x' is no list"):
        to_dsl(MetadataFilters(filters=[wrong]))
