"""Bodies of requests as JSON has them, whatever an application hands in."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from ..query.query import Dsl

Pair: TypeAlias = tuple[Dsl, Any]
"""Header and body of one search of an `_msearch`."""


def plain(body: Any, serializer: object) -> Any:  # noqa: ANN401  # what a user hands in
    """Return a body as JSON has it: no builder's objects, tuples or numbers of numpy.

    `serializer` is the client's. Text is parsed; what is no JSON comes back as it is, for the
    server to say so.
    """
    default = getattr(serializer, "default", None)
    try:
        if isinstance(body, str | bytes):
            return json.loads(body)
        if isinstance(body, Mapping) or hasattr(body, "to_dict"):
            return json.loads(json.dumps(body, default=partial(_as_json, default)))
    except (ValueError, TypeError):
        pass
    return body


def _as_json(default: Callable[[Any], Any] | None, value: Any) -> Any:  # noqa: ANN401
    if callable(as_dict := getattr(value, "to_dict", None)):
        return as_dict()
    if isinstance(value, Mapping):
        return dict(value)
    if default is None:
        raise TypeError(f"{value!r} is not JSON")
    return default(value)


def parse_msearch(body: Any) -> list[Pair] | None:  # noqa: ANN401
    r"""Return the pairs of an `_msearch`, as a server reads its lines; None if it cannot.

    An empty header is an empty line; one more at the very beginning does not count.

    >>> parse_msearch('\n{"query": {}}\n{"index": "a"}\n{}\n')
    [({}, {'query': {}}), ({'index': 'a'}, {})]
    """
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    if not isinstance(text, str) or not text.endswith("\n"):
        return None
    lines = text.split("\n")[:-1]
    if len(lines) % 2 and not lines[0].strip():
        lines = lines[1:]
    try:
        headers = [json.loads(line) if line.strip() else {} for line in lines[::2]]
        bodies = [json.loads(line) for line in lines[1::2]]
    except ValueError:
        return None
    are_objects = all(isinstance(one, dict) for one in (*headers, *bodies))
    return list(zip(headers, bodies, strict=True)) if are_objects and len(lines) % 2 == 0 else None


def write_msearch(pairs: Sequence[Pair]) -> str:
    """Return the lines of pairs."""
    return "".join(f"{json.dumps(header)}\n{json.dumps(search)}\n" for header, search in pairs)
