"""How a search finds its documents: by words, by latents, by both; told from its body."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

from ...documents.fields import SUFFIX
from ..clause.clause import NAME, SUBQUERIES

Route: TypeAlias = Literal["bm25", "splare", "hybrid", "two-step", "rescored", "other"]
"""By words; by latents; by both; by the heaviest latents, then by all of the window's; by words,
then the window by latents; by nothing that gives scores of a text."""

WORDS = frozenset(
    {
        "match",
        "match_phrase",
        "match_phrase_prefix",
        "match_bool_prefix",
        "multi_match",
        "combined_fields",
        "query_string",
        "simple_query_string",
        "more_like_this",
        "intervals",
        "span_near",
    }
)
"""Queries by words. Not `term`: in `must` it is mostly meant as a filter."""

BY_LATENT = ("rank_feature", "neural_sparse")


def route_of(body: object) -> Route:
    """Return the route of a search whose clauses are translated.

    >>> latents = {"rank_feature": {"field": "text_splare.impacts.7", "linear": {}}}
    >>> route_of({"query": latents}), route_of({"query": {"match": {"text": "oil"}}})
    ('splare', 'bm25')
    >>> route_of({"query": {"bool": {"must": [{"match": {"text": "oil"}}], "should": [latents]}}})
    'hybrid'
    """
    if not isinstance(body, Mapping):
        return "other"
    first, then = set(_kinds(body.get("query"))), set(_rescored(body.get("rescore")))
    if "latents" in then:
        return "two-step" if "latents" in first else "rescored"
    if "latents" in first:
        return "hybrid" if "words" in first else "splare"
    return "bm25" if "words" in first else "other"


def _rescored(rescore: object) -> Iterator[str]:
    for one in rescore if isinstance(rescore, list) else [rescore]:
        query = one.get("query") if isinstance(one, Mapping) else None
        if isinstance(query, Mapping):
            yield from _kinds(query.get("rescore_query"))


def _kinds(query: object) -> Iterator[str]:
    """Yield `words` or `latents` for each query that gives scores."""
    for kind, arguments in _leaves(query):
        if kind in WORDS:
            yield "words"
        elif kind == NAME or (kind in BY_LATENT and SUFFIX in str(arguments)):
            yield "latents"


def _leaves(query: object) -> Iterator[tuple[str, Any]]:
    """Yield the queries that give scores and hold no others."""
    if isinstance(query, list):
        for one in query:
            yield from _leaves(one)
    if not isinstance(query, Mapping):
        return
    for kind, arguments in query.items():
        if kind not in SUBQUERIES:
            yield kind, arguments
        elif isinstance(arguments, Mapping):
            for key, gives_scores in SUBQUERIES[kind].items():
                if gives_scores:
                    yield from _leaves(arguments.get(key))


def text_of(body: object) -> str | None:
    """Return the text that a search asks for, as the application gave it; None if it has none.

    >>> text_of({"query": {"bool": {"must": {"match": {"text": {"query": "oil"}}}}}})
    'oil'
    """
    if not isinstance(body, Mapping):
        return None
    for kind, arguments in _leaves(body.get("query")):
        if (kind in WORDS or kind == NAME) and (found := _text(arguments)):
            return found
    return None


def _text(arguments: object) -> str | None:
    if isinstance(arguments, str):
        return arguments
    if not isinstance(arguments, Mapping):
        return None
    for key in ("query", "value", "like", *arguments):
        if key in arguments and (found := _text(arguments[key])):
            return found
    return None
