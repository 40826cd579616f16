"""Two sets of documents to be compared: read, and told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from ...errors import MappingError
from ..hits.reading import MOST_READ, Key, Read, Reader, ids_query
from ..query.query import Dsl

Documents: TypeAlias = Mapping[str, Any] | str | Sequence[str]
"""A set: query DSL, a query string (as of `query_string`), or ids."""

Overlap: TypeAlias = Literal["refuse", "drop"]
"""What is done with documents in both sets."""


@dataclass(frozen=True)
class Side:
    """One set: `documents` compared, of `total` that match.

    `unknown` had no impacts that could be told, `shared` were in the other set too: both are left
    out. `missing` ids are in no document.
    """

    documents: int
    total: int
    unknown: int
    shared: int
    missing: int


def read_sides(
    reader: Reader,
    sets: tuple[Documents, Documents],
    sample: int,
    *,
    seed: int,
    overlap: Overlap,
) -> tuple[tuple[Read, Side], tuple[Read, Side]]:
    """Return the documents of two sets, at most `sample` of each, and what is told of them.

    `ValueError` for sets that overlap, unless that is dropped, and for one without documents;
    `MappingError` where a set's documents have no impacts.
    """
    fields = {text for each in reader.there.records.values() for text in each.text_fields}
    queries = [_query(each, sorted(fields)) for each in sets]
    a, b = (reader.read(query, sample, seed=seed) for query in queries)
    shared = set(a.keys) & set(b.keys)
    if shared and overlap == "refuse":
        some = ", ".join(name for _, name in sorted(shared)[:5])
        raise ValueError(
            f"{len(shared)} documents are in both sets ({some}{' …' if len(shared) > 5 else ''}): "
            "no document can be on either side. Narrow the sets, or drop these (overlap='drop', "
            "--drop-overlap)"
        )
    found = [_apart(*each, shared) for each in zip(sets, (a, b), strict=True)]
    for name, (_, side) in zip("AB", found, strict=True):
        _require_documents(reader.index, name, side)
    return found[0], found[1]


def _query(documents: Documents, fields: Sequence[str]) -> Dsl:
    if isinstance(documents, str):
        return {"query_string": {"query": documents, "fields": list(fields)}}
    if isinstance(documents, Mapping):
        return dict(documents)
    if len(set(documents)) > MOST_READ:
        raise ValueError(f"{len(set(documents))} ids: give at most {MOST_READ}, or a query")
    return ids_query(sorted(set(documents)))


def _apart(documents: Documents, read: Read, shared: set[Key]) -> tuple[Read, Side]:
    """Return what of a set is in it alone."""
    rows = [at for at, key in enumerate(read.keys) if key not in shared]
    keys, texts = [read.keys[at] for at in rows], [read.texts[at] for at in rows]
    is_ids = not isinstance(documents, str | Mapping)
    missing = max(0, len(set(documents)) - read.total) if is_ids else 0
    side = Side(len(rows), read.total, read.unknown, len(read.keys) - len(rows), missing)
    return replace(read, keys=keys, texts=texts, impacts=read.impacts[rows]), side


def _require_documents(index: str, name: str, side: Side) -> None:
    if side.documents:
        return
    if side.unknown:
        raise MappingError(
            f"index {index!r}: the {side.unknown} documents of set {name} have no impacts: make "
            "them with `splare-os backfill`"
        )
    raise ValueError(
        f"set {name} has no documents: {side.total} match in index {index!r}, of which "
        f"{side.shared} are in the other set too, and {side.missing} ids are not there"
    )
