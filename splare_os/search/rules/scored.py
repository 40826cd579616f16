"""SPLARE's part of an application's query: beside it, or in its place for a second search.

Clauses count where their score does: in `must` and `should`, `dis_max`, the positive part of
`boosting`, and a `function_score` that multiplies. All else stays as it is, or has no part.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..clause.clause import NAME
from ..query.query import Dsl
from .rule import Rule
from .words import Asked, asked, boost_of

LISTS: Mapping[str, tuple[str, ...]] = {"bool": ("must", "should"), "dis_max": ("queries",)}
"""Compound queries whose clauses each add to a score, or may be the one that counts."""

WRAPPERS: Mapping[str, str] = {"boosting": "positive", "function_score": "query"}
"""Compound queries that multiply the score of one clause: SPLARE's is multiplied alike."""


def splare_part(query: object, rule: Rule) -> Dsl | None:
    """Return a query that scores by SPLARE what `query` asks of the rule's fields; None: nothing.

    A text that is asked of several fields counts once, with the largest of its boosts.
    """
    parts = _distinct(_parts(query, rule, 1.0))
    if len(parts) < 2:
        return parts[0] if parts else None
    return {"bool": {"should": parts}}


def asked_text(query: object, rule: Rule) -> str:
    """Return the text that `query` asks of the rule's fields; several one after another."""
    found: dict[str, None] = {}

    def note(part: object) -> None:
        if isinstance(part, list):
            for one in part:
                note(one)
        elif isinstance(part, Mapping):
            if NAME in part:
                found[part[NAME][rule.searched_field]["query"]] = None
            else:
                note(list(part.values()))

    note(_parts(query, rule, 1.0))
    return " ".join(found)


def in_place(query: object, rule: Rule) -> Any:  # noqa: ANN401  # a query, as it came
    """Return `query` with SPLARE in place of the clauses that ask the rule's fields."""
    if isinstance(query, list):
        return [in_place(one, rule) for one in query]
    if not isinstance(query, Mapping):
        return query
    if (found := _asked(query, rule)) is not None:
        return _clause(found, rule, 1.0)
    changed = dict(query)
    for kind, keys in _compounds(query, rule):
        inner = {
            key: in_place(query[kind][key], rule)
            for key in keys
            if query[kind].get(key) is not None
        }
        changed[kind] = {**query[kind], **inner}
    return changed


def _parts(query: object, rule: Rule, boost: float) -> list[Dsl]:
    if isinstance(query, list):
        return [part for one in query for part in _parts(one, rule, boost)]
    if not isinstance(query, Mapping):
        return []
    if (found := _asked(query, rule)) is not None:
        return [_clause(found, rule, boost)]
    parts: list[Dsl] = []
    for kind, keys in _compounds(query, rule):
        arguments = query[kind]
        inner = boost * (1.0 if kind in WRAPPERS else boost_of(arguments))
        for key in keys:
            parts += _wrapped(kind, arguments, _parts(arguments.get(key), rule, inner))
    return parts


def _compounds(query: Mapping[str, Any], rule: Rule) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Yield the kinds of a compound query, and under which keys its clauses count."""
    for kind, arguments in query.items():
        if not isinstance(arguments, Mapping):
            continue
        if kind in LISTS:
            yield kind, LISTS[kind]
        elif kind in WRAPPERS and _multiplies(arguments, rule):
            yield kind, (WRAPPERS[kind],)


def _multiplies(arguments: Mapping[str, Any], rule: Rule) -> bool:
    """Return whether SPLARE's score may go through the same functions as the application's own.

    A `min_score` is meant for the latter: no documents are found beside it.
    """
    is_bound = rule.mode == "hybrid" and "min_score" in arguments
    return arguments.get("boost_mode", "multiply") == "multiply" and not is_bound


def _wrapped(kind: str, arguments: Mapping[str, Any], parts: list[Dsl]) -> list[Dsl]:
    """Return parts multiplied as the application's own are."""
    if kind not in WRAPPERS or not parts:
        return parts
    inner = _distinct(parts)
    query = inner[0] if len(inner) == 1 else {"bool": {"should": inner}}
    others = {key: one for key, one in arguments.items() if key not in {"min_score", "_name"}}
    return [{kind: {**others, WRAPPERS[kind]: query}}]


def _asked(query: Mapping[str, Any], rule: Rule) -> Asked | None:
    found = asked(query, plain=rule.mode == "hybrid")
    return found if found is not None and rule.is_asked(found.fields) else None


def _clause(found: Asked, rule: Rule, boost: float) -> Dsl:
    return {NAME: {rule.searched_field: {"query": found.text, "boost": found.boost * boost}}}


def _distinct(parts: list[Dsl]) -> list[Dsl]:
    """Return each part once, of those that differ by their boost alone the largest."""
    best: dict[str, tuple[float, Dsl]] = {}
    for part in parts:
        boost, key = _boost_and_rest(part)
        if key not in best or best[key][0] < boost:
            best[key] = boost, part
    return [part for _, part in best.values()]


def _boost_and_rest(part: Dsl) -> tuple[float, str]:
    if NAME not in part:
        return 1.0, json.dumps(part, sort_keys=True)
    ((field, arguments),) = part[NAME].items()
    return arguments["boost"], json.dumps([field, arguments["query"]])
