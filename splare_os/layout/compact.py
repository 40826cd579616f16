"""Whether an index keeps its impacts in `_source`, or in its postings alone."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from opensearchpy import OpenSearch

from ..documents.opensearch import DERIVED
from ..errors import MappingError
from ..reply import parts

PRICE = (
    "impacts are kept in postings alone. What it costs: an update "
    "by part or by script (_update, _update_by_query) and a _reindex lose the impacts of their "
    "documents until `splare-os backfill` makes them anew, and an index has one impacts field"
)


def compact_source(field: str) -> dict[str, list[str]]:
    """Return `_source` of a mapping that keeps the impacts of `field` out of it.

    Out of the copy for recovery too, which would else stay on disk for a while.
    """
    return {"excludes": [f"{field}.impacts"], "recovery_source_excludes": [f"{field}.impacts"]}


def is_compact(mappings: Mapping[str, Any], field: str) -> bool:
    """Return whether documents of an index keep the impacts of `field` out of `_source`.

    >>> is_compact({"_source": {"excludes": ["*_splare.impacts"]}}, "text_splare")
    True
    >>> is_compact({"_source": {"includes": ["text", "text_splare"]}}, "text_splare")
    False
    """
    source = mappings.get("_source") or {}
    name = f"{field}.impacts"
    included = source.get("includes")
    is_kept = not included or any(_matches(name, pattern) for pattern in included)
    is_left_out = any(_matches(name, pattern) for pattern in source.get("excludes") or ())
    return source.get("enabled") is False or is_left_out or not is_kept


def check_whole(index: str, mappings: Mapping[str, Any], field: str) -> None:
    """Raise `MappingError` where an update of documents would lose more than impacts of `field`."""
    source = mappings.get("_source") or {}
    beside = [name for name in source.get("excludes") or () if name != f"{field}.impacts"]
    if source.get("enabled") is False or source.get("includes") or beside:
        raise MappingError(
            f"index {index!r} keeps documents in part only (_source: {source}), and an update "
            "would lose the rest. Index anew with `splare-os index`, from where they are whole"
        )


def check_source_is_kept(client: OpenSearch, index: str) -> None:
    """Raise `MappingError` where `_source` is derived from other fields: impacts tell none."""
    params = {"flat_settings": "true"}
    reply = client.indices.get_settings(index=index, name=DERIVED, params=params)
    if parts(reply, "settings").get(index, {}).get(DERIVED) == "true":
        raise MappingError(
            f"index {index!r} derives _source from its fields ({DERIVED}), which cannot be done "
            "with impacts: index into a new index without that setting"
        )


def _matches(name: str, pattern: str) -> bool:
    """Return whether a pattern of `_source` is of a field, or of an object that holds it."""
    path = name.split(".")
    return any(fnmatchcase(".".join(path[: n + 1]), pattern) for n in range(len(path)))
