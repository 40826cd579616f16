"""Which hits of a ranking a search asks for: its parameters rule its body, as on the server."""

from collections.abc import Mapping
from typing import Any


def page_of(body: Mapping[str, Any], params: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return `from` and `size` of a search, by its parameters or else its body; None: none.

    >>> page_of({"size": 5, "from": 10}, {"size": b"20"})
    (10, 20)
    """
    try:
        first, size = (
            int(params.get(key, body.get(key, usual))) for key, usual in (("from", 0), ("size", 10))
        )
    except (TypeError, ValueError):
        return None
    return (first, size) if first >= 0 and size >= 0 else None
