"""Whether impacts that a document tells of are there: others may have written it without them."""

from collections.abc import Mapping
from typing import Any

from opensearchpy import OpenSearch

from ..reply import require_whole, rows
from .actions import Stored, Target

MOST_ASKED = 500
"""Documents asked for at once; a query has at most 1,024 clauses unless it is set otherwise."""


def find_lacking(client: OpenSearch, target: Target, held: Mapping[str, Stored]) -> set[str]:
    """Return the ids of documents of the target that tell of impacts and have none.

    In a compact index, whose `_source` has none, the postings are asked, for the version that was
    read: of a document that is not searchable yet none are seen.
    """
    told = {name: ours for name, one in held.items() if (ours := _told(one, target.field))}
    if not target.is_compact:
        return {name for name, ours in told.items() if not ours.get("impacts")}
    seen = set[str]()
    names = list(told)
    for first in range(0, len(names), MOST_ASKED):
        some = {name: told[name] for name in names[first : first + MOST_ASKED]}
        seen |= _seen(client, target, some, held)
    return set(told) - seen


def _told(one: Stored, field: str) -> dict[str, Any] | None:
    ours = one.source.get(field)
    return ours if isinstance(ours, dict) and ours.get("count") else None


def _seen(
    client: OpenSearch,
    target: Target,
    told: Mapping[str, dict[str, Any]],
    held: Mapping[str, Stored],
) -> set[str]:
    """Return those of the documents whose heaviest latent has a posting."""
    shows = [
        _shows(name, target.field, ours["latents"][0])
        for name, ours in told.items()
        if isinstance(ours.get("latents"), list) and ours["latents"]
    ]
    if not shows:
        return set()
    body = {
        "size": len(shows),
        "_source": False,
        "seq_no_primary_term": True,
        "query": {"bool": {"should": shows}},
    }
    reply = client.search(index=target.index, body=body)
    require_whole(reply, target.index)
    return {
        hit["_id"]
        for hit in rows(reply, "hits", "hits")
        if hit["_seq_no"] == held[hit["_id"]].version.seq_no
    }


def _shows(name: str, field: str, latent: object) -> dict[str, Any]:
    posting = {"rank_feature": {"field": f"{field}.impacts.{latent}", "linear": {}}}
    return {"bool": {"filter": [{"ids": {"values": [name]}}, posting]}}
