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
