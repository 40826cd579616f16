"""LlamaIndex's metadata filters as query DSL."""

from collections.abc import Callable, Mapping
from typing import Any

from llama_index.core.vector_stores import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

from ...search.query.query import Dsl


def to_dsl(filters: MetadataFilters) -> Dsl:
    """Return the query that selects what `filters` select.

    A key is a field of the index. `ValueError` for an operator that a query has no form of.
    """
    parts = [
        to_dsl(one) if isinstance(one, MetadataFilters) else _one(one) for one in filters.filters
    ]
    return {"bool": {KINDS[filters.condition or FilterCondition.AND]: parts}}


KINDS: Mapping[FilterCondition, str] = {
    FilterCondition.AND: "filter",
    FilterCondition.OR: "should",
    FilterCondition.NOT: "must_not",
}


def _one(filter: MetadataFilter) -> Dsl:  # noqa: A002
    make = FORMS.get(filter.operator)
    if make is None:
        known = ", ".join(sorted(one.value for one in FORMS))
        raise ValueError(
            f"filter on {filter.key!r}: operator {filter.operator.value!r} has no query; use one "
            f"of {known}, or give query DSL"
        )
    return make(filter.key, filter.value)


def _range(bound: str) -> Callable[[str, Any], Dsl]:
    return lambda key, value: {"range": {key: {bound: value}}}


def _equal(key: str, value: Any) -> Dsl:  # noqa: ANN401  # JSON
    return {"term": {key: value}}


def _any(key: str, value: Any) -> Dsl:  # noqa: ANN401
    return {"terms": {key: _values(key, value)}}


def _all(key: str, value: Any) -> Dsl:  # noqa: ANN401
    return {"bool": {"filter": [_equal(key, one) for one in _values(key, value)]}}


def _values(key: str, value: Any) -> list[Any]:  # noqa: ANN401
    if not isinstance(value, list):
        raise ValueError(f"filter on {key!r}: {value!r} is no list; this operator takes one")
    return value


def _not(form: Callable[[str, Any], Dsl]) -> Callable[[str, Any], Dsl]:
    return lambda key, value: {"bool": {"must_not": [form(key, value)]}}


FORMS: Mapping[FilterOperator, Callable[[str, Any], Dsl]] = {
    FilterOperator.EQ: _equal,
    FilterOperator.NE: _not(_equal),
    FilterOperator.CONTAINS: _equal,
    FilterOperator.GT: _range("gt"),
    FilterOperator.GTE: _range("gte"),
    FilterOperator.LT: _range("lt"),
    FilterOperator.LTE: _range("lte"),
    FilterOperator.IN: _any,
    FilterOperator.ANY: _any,
    FilterOperator.NIN: _not(_any),
    FilterOperator.ALL: _all,
    FilterOperator.TEXT_MATCH: lambda key, value: {"match_phrase": {key: value}},
    FilterOperator.IS_EMPTY: _not(lambda key, _: {"exists": {"field": key}}),
}
"""Operator to the query that it stands for."""
