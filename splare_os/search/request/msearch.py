"""The lines of an `_msearch`: which belong together, and others in their place; and its replies."""

import json
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, TypeAlias

from ..query.query import Dsl
from .body import parsed

Pair: TypeAlias = tuple[Dsl, Any]
"""Header and body of one search of an `_msearch`."""


def parse_msearch(body: Any) -> list[Pair] | None:  # noqa: ANN401  # what a user hands in
    r"""Return the pairs of an `_msearch`, as a server reads its lines; None if it cannot.

    A last header without a body, which may be an empty line, does not count.

    >>> parse_msearch('\n{"query": {}}\n{"index": "a"}\n{}\n')
    [({}, {'query': {}}), ({'index': 'a'}, {})]
    """
    lines = _lines(body)
    if lines is None:
        return None
    try:
        headers = [parsed(line) if line.strip() else {} for line in lines[::2]]
        bodies = [parsed(line) for line in lines[1::2]]
    except ValueError:
        return None
    are_objects = all(isinstance(one, dict) for one in (*headers, *bodies))
    return list(zip(headers, bodies, strict=False)) if are_objects and bodies else None


def with_searches(body: str | bytes, searches: Sequence[Dsl | None]) -> str:
    r"""Return an `_msearch` that `parse_msearch` can read, with `searches` in place of its own.

    Headers, and searches where that is None, keep their lines to the byte; only an empty header at
    the very beginning is written out, for a server does not count an empty line there.

    >>> with_searches('{"index":  "a"}\n{}\n\n{"size":  1}\n', [{"size": 2}, None])
    '{"index":  "a"}\n{"size": 2}\n\n{"size":  1}\n'
    """
    lines = _lines(body) or []
    if lines and not lines[0].strip():
        lines[0] = "{}"
    pairs = zip(lines[1::2], searches, strict=True)
    bodies = [own if search is None else json.dumps(search) for own, search in pairs]
    made = zip_longest(lines[::2], bodies)
    return "".join(f"{line}\n" for pair in made for line in pair if line is not None)


def replies_in(reply: object) -> Sequence[Any]:
    """Return the reply to each search of a request: those in an `_msearch`'s, or the one there is.

    >>> replies_in({"responses": [{"took": 1}, {"error": "no"}]}), replies_in({"took": 1})
    ([{'took': 1}, {'error': 'no'}], [{'took': 1}])
    """
    found = reply.get("responses", [reply]) if isinstance(reply, Mapping) else [reply]
    return found if isinstance(found, list) else []


def _lines(body: Any) -> list[str] | None:  # noqa: ANN401
    """Return the lines, headers and bodies in turn; None if they are no lines of an `_msearch`.

    An empty header is an empty line; one more at the very beginning does not count. The last may be
    a header without a body.
    """
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    if not isinstance(text, str) or not text.endswith("\n"):
        return None
    lines = text.split("\n")[:-1]
    has_one_more = len(lines) % 2 == 1 or not lines[-1].strip()
    return lines[1:] if has_one_more and not lines[0].strip() else lines
