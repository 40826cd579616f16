"""What `filter_path`, a parameter, leaves of a reply, as servers read it."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ...layout.view import as_text

KEY = "filter_path"

STATUS = "responses.status"
"""What the answer to each search of an `_msearch` has, whatever becomes of it."""


def shows(params: Mapping[str, Any] | None, path: str) -> bool:
    """Return whether a reply to a request with these parameters has what there is at `path`.

    >>> shows({"filter_path": "hits.hits,took"}, "hits.hits._id"), shows(None, "took")
    (True, True)
    >>> shows({"filter_path": "**._source"}, "took"), shows({"filter_path": "-t*"}, "took")
    (False, False)
    """
    wanted, unwanted = _patterns(params)
    parts = path.split(".")
    is_wanted = not wanted or any(_leaves(one, parts) for one in wanted)
    return is_wanted and not any(_leaves(one, parts) for one in unwanted)


def showing(params: Mapping[str, Any] | None, path: str) -> Mapping[str, Any] | None:
    """Return parameters by which a reply has what there is at `path` too, if they can say so."""
    wanted, unwanted = _patterns(params)
    parts = path.split(".")
    is_out = any(_leaves(one, parts) for one in unwanted)
    if params is None or not wanted or is_out or shows(params, path):
        return params
    return {**params, KEY: f"{as_text(params[KEY])},{path}"}


def without_statuses(reply: Mapping[str, Any], answers: Sequence[Any]) -> dict[str, Any]:
    """Return an `_msearch`'s reply with these answers as it is without their statuses.

    >>> answers = [{"status": 200}, {"status": 200, "took": 1}]
    >>> without_statuses({"took": 1, "responses": answers}, answers)
    {'took': 1, 'responses': [{'took': 1}]}
    """
    left = [{key: part for key, part in one.items() if key != "status"} for one in answers]
    kept, told = list(filter(None, left)), {**reply}
    told.pop("responses")
    return told | {"responses": kept} if kept else told


def _patterns(params: Mapping[str, Any] | None) -> tuple[list[list[str]], list[list[str]]]:
    """Return what a reply has, none: all; and what it has not."""
    given = as_text((params or {}).get(KEY) or "").split(",")
    wanted = [one.split(".") for one in given if one and not one.startswith("-")]
    return wanted, [one[1:].split(".") for one in given if one.startswith("-")]


def _leaves(pattern: Sequence[str], path: Sequence[str]) -> bool:
    """Return whether a pattern is of a path, or of what that is in."""
    if not pattern or not path:
        return not pattern
    first, *rest = pattern
    if first == "**":
        return _leaves(rest, path) or _leaves(pattern, path[1:])
    return fnmatchcase(path[0], first) and _leaves(rest, path[1:])
