r"""The text in an application's own query clause, where its words are what is searched.

`match` and `multi_match` hold words as people write them; `query_string` and `simple_query_string`
may hold operators, which are read as far as they leave no doubt, or else not at all.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

TOKEN = re.compile(r'([+\-!]?)"([^"]*)"(?!\S)|(\S+)')
"""A phrase, alone or behind an operator; or what stands between blanks."""

PREFIXES = {"query_string": "+-!", "simple_query_string": "+-"}
"""Operators that may stand before a word."""

WORDS = {"query_string": {"AND", "OR", "NOT"}, "simple_query_string": set[str]()}
"""Operators that are words themselves."""

DOUBTFUL = {
    "query_string": re.compile(r'[:^~*?\[\]{}()/\\"<>!]|&&|\|\|'),
    "simple_query_string": re.compile(r'[|~*()\\"]'),
}
"""What else has a meaning in a word: fields, ranges, prefixes, groups, escapes …"""

MATCH_TYPES = ("best_fields", "most_fields", "cross_fields")
"""Kinds of a `multi_match` or `query_string` that look for words, not for phrases or beginnings."""


@dataclass(frozen=True)
class Asked:
    """A text that is asked of fields, names or patterns as the query has them; none: of all."""

    text: str
    fields: tuple[str, ...]
    boost: float = 1.0


def asked(query: Mapping[str, Any], *, plain: bool) -> Asked | None:
    """Return what a query clause asks, or None where it is no search for words.

    With `plain`, a text with any operator is none: where documents are found that the clause
    itself does not, what it demands or forbids would be passed over.
    """
    if len(query) != 1:
        return None
    ((kind, arguments),) = query.items()
    if not isinstance(arguments, Mapping) or kind not in CLAUSES:
        return None
    found = CLAUSES[kind](kind, arguments, plain)
    return found if found and found.text else None


def words_of(kind: str, text: str, *, plain: bool) -> str | None:
    """Return the words that a text in the syntax of `kind` looks for; None where that is in doubt.

    >>> words_of("query_string", 'oil AND "price shock" -crude', plain=False)
    'oil price shock'
    >>> words_of("query_string", "title:oil", plain=False)
    >>> words_of("query_string", "oil AND price", plain=True)
    """
    found, is_negated = [], False
    for operator, phrase, word in TOKEN.findall(text):
        if not phrase and word in WORDS[kind]:
            operator = word  # noqa: PLW2901  # what it is
        elif not operator and word and word[0] in PREFIXES[kind]:
            operator, word = word[0], word[1:]  # noqa: PLW2901
        is_operator = bool(operator) or not word
        if plain and is_operator:
            return None
        if operator in WORDS[kind]:
            if is_negated:
                return None
            is_negated = operator == "NOT"
            continue
        content = word or phrase
        if not content.strip() or word[:1] in {"+", "-"} or DOUBTFUL[kind].search(content):
            return None
        if not is_negated and operator not in {"-", "!"}:
            found.append(content)
        is_negated = False
    return None if is_negated else " ".join(found)


def _match(_: str, arguments: Mapping[str, Any], __: bool) -> Asked | None:  # noqa: FBT001
    if len(arguments) != 1:
        return None
    ((field, content),) = arguments.items()
    content = content if isinstance(content, Mapping) else {"query": content}
    return _asked(content, content.get("query"), (field,))


def _multi_match(_: str, arguments: Mapping[str, Any], __: bool) -> Asked | None:  # noqa: FBT001
    return _asked(arguments, arguments.get("query"), _fields(arguments.get("fields")))


def _of_syntax(kind: str, arguments: Mapping[str, Any], plain: bool) -> Asked | None:  # noqa: FBT001
    text = arguments.get("query")
    if not isinstance(text, str):
        return None
    if arguments.get("flags", "ALL") != "ALL":  # some signs are only letters then
        plain = True
    named = arguments.get("fields", arguments.get("default_field"))
    return _asked(arguments, words_of(kind, text, plain=plain), _fields(named))


CLAUSES: Mapping[str, Callable[[str, Mapping[str, Any], bool], Asked | None]] = {
    "match": _match,
    "multi_match": _multi_match,
    "query_string": _of_syntax,
    "simple_query_string": _of_syntax,
}
"""The clauses that look for words."""


def _asked(content: Mapping[str, Any], text: object, fields: tuple[str, ...]) -> Asked | None:
    if not isinstance(text, str) or content.get("type", MATCH_TYPES[0]) not in MATCH_TYPES:
        return None
    return Asked(text.strip(), fields, boost_of(content))


def boost_of(arguments: Mapping[str, Any]) -> float:
    """Return the boost of a clause, maybe in quotes; what is none is the server's to refuse.

    >>> boost_of({"boost": 2}), boost_of({"boost": "0.5"}), boost_of({"boost": -1}), boost_of({})
    (2.0, 0.5, 1.0, 1.0)
    """
    try:
        boost = float(arguments.get("boost", 1.0))
    except (TypeError, ValueError):
        return 1.0
    return boost if boost >= 0 else 1.0


def _fields(named: Any) -> tuple[str, ...]:  # noqa: ANN401  # JSON
    """Return names without their boosts (`title^3`)."""
    names: Iterable[Any] = [named] if isinstance(named, str) else named or ()
    return tuple(str(name).partition("^")[0] for name in names)
