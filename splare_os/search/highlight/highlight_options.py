"""Options of a highlight by latents: OpenSearch's own names, at the top and for each field."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from .fragments import MIN_SHARE, Form


def form_of(name: str, highlight: Mapping[str, Any], own: Any) -> Form:  # noqa: ANN401  # JSON
    """Return how fragments of the field `name` look: its own options, then those at the top.

    `ValueError` for a value that an option cannot have, and for options that the field has and
    there are not. At the top stand those of the server's highlighters too.
    """
    if not isinstance(own, Mapping):
        raise ValueError(f"highlight field {name!r} is {own!r}: write an object, {{}}")
    known = {*OPTIONS, "options"}
    if unknown := own.keys() - known - {"type"}:
        raise ValueError(
            f"highlight field {name!r} has {sorted(unknown)}; type splare knows {sorted(known)}"
        )
    given = {key: highlight[key] for key in known if key in highlight} | dict(own)
    parts = [OPTIONS[key](key, given[key]) for key in OPTIONS if key in given]
    found: dict[str, Any] = {}
    for part in [*parts, _special(name, given.get("options", {}))]:
        found |= part
    return Form(**found)


def check_top(highlight: Mapping[str, Any], *, is_shared: bool) -> None:
    """Raise `ValueError` for options at the top that nobody follows.

    `is_shared`: the server's highlighters read them too, and may know more of them.
    """
    known = {*OPTIONS, "options", "fields", "type"}
    unknown = highlight.keys() - known
    if "highlight_query" in unknown or (unknown and not is_shared):
        raise ValueError(
            f"highlight has {sorted(unknown)}; type splare knows {sorted(known)}, and marks what "
            "the query's own clauses matched"
        )


def _special(name: str, options: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    """Return what stands in `options`, where OpenSearch keeps those of one highlighter."""
    if not isinstance(options, Mapping) or options.keys() - {"whole_words", "min_share"}:
        raise ValueError(
            f"highlight field {name!r}: options={options!r}; type splare knows min_share and "
            "whole_words"
        )
    words, share = options.get("whole_words", True), options.get("min_share", MIN_SHARE)
    if not isinstance(words, bool):
        raise ValueError(f"highlight field {name!r}: whole_words={words!r}: write true or false")
    is_number = isinstance(share, int | float) and not isinstance(share, bool)
    if not is_number or not 0 <= share <= 1:
        raise ValueError(f"highlight field {name!r}: min_share={share!r}: give a share from 0 to 1")
    return {"whole_words": words, "min_share": share}


def _tag(key: str, value: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    """Return a tag: of several, the first, as the server's unified highlighter does."""
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, str):
        raise ValueError(f"highlight: {key}={value!r}: give a string, or a list of strings")
    return {key.removesuffix("s"): first}


def _number(least: int) -> Callable[[str, Any], dict[str, Any]]:
    def checked(key: str, value: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
        number = int(value) if isinstance(value, str) and value.isdecimal() else value
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise ValueError(f"highlight: {key}={value!r}: give a whole number of at least {least}")
        return {key: number}

    return checked


def _choice(field: str, choices: Mapping[str, Any]) -> Callable[[str, Any], dict[str, Any]]:
    def checked(key: str, value: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"highlight: {key}={value!r}: choose one of {', '.join(choices)}")
        return {field: choices[value]} if field else {}

    return checked


SENTENCE: Literal["sentence"] = "sentence"

OPTIONS: Mapping[str, Callable[[str, Any], dict[str, Any]]] = {
    "pre_tags": _tag,
    "post_tags": _tag,
    "fragment_size": _number(0),
    "number_of_fragments": _number(0),
    "no_match_size": _number(0),
    "order": _choice("by_score", {"none": False, "score": True}),
    "encoder": _choice("escapes_html", {"default": False, "html": True}),
    "boundary_scanner": _choice("", {SENTENCE: None}),
}
"""An option, and what makes fields of a `Form` of its value."""
