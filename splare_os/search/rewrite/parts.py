"""Impacts stay out of every part of a reply that has hits: its own, inner, collapsed and top hits.

Each part is asked for with a `_source` of its own; one that names impacts gets them.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, TypeAlias

from ..clause.clause import SUBQUERIES
from ..query.query import Dsl
from ..request.body import parsed
from .source import PARAMETERS, SOURCE, exclude_impacts, exclude_impacts_by_parameter, names_in

Params: TypeAlias = Mapping[str, Any] | None

AGGREGATIONS = ("aggs", "aggregations")
WRAPPER = "wrapper"


def without_impacts(params: Params, body: Any) -> tuple[Params, Any]:  # noqa: ANN401
    """Return a search's parameters and body, the impacts that they do not name excluded."""
    params = params or {}
    stored = params.get("stored_fields")
    if isinstance(body, Mapping):
        body = _without_inner_impacts(body)
        stored = body.get("stored_fields") if stored is None else stored
    if any(name in params for name in PARAMETERS):  # on the server they override a body's
        return exclude_impacts_by_parameter(params, is_stored=SOURCE in names_in(stored)), body
    if body is None or not (isinstance(body, Mapping) or body):
        return (params if _has_no_source(params) else exclude_impacts_by_parameter(params)), body
    if not isinstance(body, Mapping) or _has_no_source({**body, **params}):
        return params, body
    return params, _filtered(body, stored)


def document_without_impacts(params: Params) -> Params:
    """Return the parameters of an `_explain`, whose document comes where they ask for it alone."""
    given = params or {}
    asks = any(name in given for name in PARAMETERS) or SOURCE in names_in(
        given.get("stored_fields")
    )
    return exclude_impacts_by_parameter(given) if asks else params


def _without_inner_impacts(body: Mapping[str, Any]) -> Dsl:
    changed = dict(body)
    for key in ("query", "post_filter"):
        if key in body:
            changed[key] = _in_query(body[key])
    if "collapse" in body:
        changed["collapse"] = _in_inner_hits(body["collapse"])
    return _in_sub_aggregations(changed)


def _in_part(part: Any) -> Any:  # noqa: ANN401
    """Return a part that has hits, such as `top_hits`, with a `_source` without impacts."""
    if isinstance(part, list):  # collapsed groups may have several
        return [_in_part(one) for one in part]
    if not isinstance(part, Mapping) or _has_no_source(part):
        return part
    return _filtered(part, part.get("stored_fields"))


def _filtered(part: Mapping[str, Any], stored: Any) -> Dsl:  # noqa: ANN401
    source = part.get(SOURCE, True)
    is_whole = source is False and SOURCE in names_in(stored)  # so is what servers send then
    return {**part, SOURCE: exclude_impacts(is_whole or source)}


def _has_no_source(part: Mapping[str, Any]) -> bool:
    """Return whether a server sends no `_source` with the hits of a part, as it asks for others."""
    if SOURCE in part:
        return False
    if "stored_fields" in part:
        return SOURCE not in names_in(part["stored_fields"])
    return bool(part.get("script_fields"))


def _in_inner_hits(arguments: Any) -> Any:  # noqa: ANN401
    if not isinstance(arguments, Mapping) or "inner_hits" not in arguments:
        return arguments
    return {**arguments, "inner_hits": _in_part(arguments["inner_hits"])}


def _in_query(query: Any) -> Any:  # noqa: ANN401
    if isinstance(query, list):
        return [_in_query(one) for one in query]
    if not isinstance(query, Mapping):
        return query
    changed = dict(query)
    for kind, keys in SUBQUERIES.items():
        if isinstance(arguments := query.get(kind), Mapping):
            inner = {key: _in_query(arguments[key]) for key in keys if key in arguments}
            changed[kind] = _in_inner_hits({**arguments, **inner})
    if isinstance(wrapped := query.get(WRAPPER), Mapping):
        changed[WRAPPER] = _in_wrapper(wrapped)
    return changed


def _in_wrapper(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a query in base64 whose inner hits have no impacts; what is no JSON as it is."""
    try:
        query = parsed(b64decode(arguments["query"], validate=True))
    except (KeyError, TypeError, ValueError):
        return arguments
    changed = _in_query(query)
    if changed == query:
        return arguments
    return {**arguments, "query": b64encode(json.dumps(changed).encode()).decode()}


def _in_aggregation(aggregation: Any) -> Any:  # noqa: ANN401
    if not isinstance(aggregation, Mapping):
        return aggregation
    changed = _in_sub_aggregations(aggregation)
    if "top_hits" in changed:
        changed["top_hits"] = _in_part(changed["top_hits"])
    return changed


def _in_sub_aggregations(parent: Mapping[str, Any]) -> Dsl:
    changed = dict(parent)
    for key in AGGREGATIONS:
        if isinstance(named := parent.get(key), Mapping):
            changed[key] = {name: _in_aggregation(one) for name, one in named.items()}
    return changed
