"""Bodies of requests as JSON has them, whatever an application hands in."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any


def plain(body: Any, serializer: object) -> Any:  # noqa: ANN401  # what a user hands in
    """Return a body as JSON has it: no builder's objects, tuples or numbers of numpy.

    `serializer` is the client's. Text is parsed; what is no JSON comes back as it is, for the
    server to say so.
    """
    default = getattr(serializer, "default", None)
    try:
        if isinstance(body, str | bytes):
            return parsed(body)
        if isinstance(body, Mapping) or hasattr(body, "to_dict"):
            return json.loads(json.dumps(body, default=partial(_as_json, default)))
    except (ValueError, TypeError):
        pass
    return body


def parsed(text: str | bytes) -> Any:  # noqa: ANN401  # JSON
    """Return what a text of JSON says; `ValueError` if it says nothing, or a key twice.

    Servers refuse the latter, and so must not be sent the last of both alone.
    """
    return json.loads(text, object_pairs_hook=_once_each)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _as_json(default: Callable[[Any], Any] | None, value: Any) -> Any:  # noqa: ANN401
    if callable(as_dict := getattr(value, "to_dict", None)):
        return as_dict()
    if isinstance(value, Mapping):
        return dict(value)
    if default is None:
        raise TypeError(f"{value!r} is not JSON")
    return default(value)
