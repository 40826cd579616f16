"""Why hits of a reply matched: what each clause looked for, and what of a document it found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opensearchpy import AuthorizationException, OpenSearch

from ...documents.document import Body
from ...encoder import Encoder, Spans, some_spans
from ...errors import ReplyError
from ...impacts import Impacts
from ...layout.records import FieldRecord
from ...layout.view import Headers
from ...reply import NO_INDEX, documents_of
from ..clause.clause import Clause
from .explain import Contribution, explain
from .found import Found, found

FORBIDDEN = "security_exception"
"""The error of a document that the security plugin keeps from a user."""

NEEDED = ("_index", "_id", "_seq_no", "_primary_term")


@dataclass(frozen=True)
class Sought:
    """What a clause looked for: `weights` [1, latent] as they scored, in the impacts `field`.

    `records` are those of the concrete indices that have the field; `k1` as in `translate`.
    """

    clause: Clause
    field: str
    records: Mapping[str, FieldRecord]
    weights: Impacts
    k1: float | None


@dataclass(frozen=True)
class Evidence:
    """What one clause found in one document: the latents that both have, and where they are.

    `spans` are of the text that was encoded; none if that has changed since.
    """

    sought: Sought
    found: Found
    contributions: list[Contribution]
    spans: Spans

    @property
    def score(self) -> float:
        """What the clause gave to the document's score."""
        return sum(one.score for one in self.contributions)


def fetched(
    client: OpenSearch,
    hits: Sequence[Mapping[str, Any]],
    sought: Sequence[Sequence[Sought]],
    headers: Headers,
) -> list[Body | None]:
    """Return of each hit the texts and impacts that its clauses read; of all in one request.

    None where the document is no longer the very version that the search found. `ReplyError` for
    hits that do not tell which document they are.
    """
    asked = [_asked(hit, clauses) for hit, clauses in zip(hits, sought, strict=True)]
    wanted = [one for one in asked if one is not None]
    if not wanted:
        return [None] * len(hits)
    reply = client.mget(body={"docs": wanted}, params={"realtime": "false"}, headers=dict(headers))
    documents = iter(documents_of(reply, len(wanted)))
    return [
        None if one is None else _same(hit, next(documents))
        for hit, one in zip(hits, asked, strict=True)
    ]


def _asked(hit: Mapping[str, Any], sought: Sequence[Sought]) -> dict[str, Any] | None:
    """Return what `_mget` is asked for a hit; None where no clause looks into its index."""
    if missing := [name for name in NEEDED if name not in hit]:
        raise ReplyError(
            f"hits come without {', '.join(missing)}, so that their texts cannot be looked at: "
            "ask for no highlight and no explanation, or leave out what takes these away "
            "(filter_path, stored_fields)"
        )
    names: dict[str, None] = {}
    for one in sought:
        if record := one.records.get(hit["_index"]):
            parts = (f"{one.field}.impacts", f"{one.field}.digest")
            names |= dict.fromkeys((*record.text_fields, *parts))
    if not names:
        return None
    routing = {"routing": hit["_routing"]} if "_routing" in hit else {}
    return {"_index": hit["_index"], "_id": hit["_id"], "_source": list(names)} | routing


def _same(hit: Mapping[str, Any], document: Mapping[str, Any]) -> Body | None:
    """Return what the document of a hit holds, None if it is no longer the version of the hit.

    What could be found and not read is told: else there would be no highlight, and no reason.
    """
    error = document.get("error")
    kind = error.get("type") if isinstance(error, Mapping) else error
    if kind == FORBIDDEN:
        raise AuthorizationException(403, FORBIDDEN, {"error": {"root_cause": [error]}})
    if kind not in {None, NO_INDEX}:
        raise ReplyError(
            f"document {hit['_id']!r} of {hit['_index']!r} was found, and cannot be read: {error}"
        )
    is_same = all(document.get(name) == hit[name] for name in NEEDED)
    return dict(document.get("_source") or {}) if is_same else None


def gathered(
    encoder: Encoder,
    hits: Sequence[Mapping[str, Any]],
    sources: Sequence[Body | None],
    sought: Sequence[Sequence[Sought]],
) -> list[list[Evidence]]:
    """Return the evidence for each hit, by clause; texts of all hits are encoded in one batch.

    A clause that shares no latent with the document, or whose `min_score` it misses, found nothing.
    """
    known = _known(encoder, hits, sources, sought)
    parts = [
        [(one, known[at, one.field], _shared(one, known[at, one.field])) for one in clauses]
        for at, clauses in enumerate(_with_document(known, sought))
    ]
    wanted: dict[str, set[int]] = {}
    for each in parts:
        for _, document, shared in each:
            if shared and document.is_current:
                wanted.setdefault(document.text, set()).update(one.latent for one in shared)
    known_spans = some_spans(encoder, list(wanted), list(wanted.values())) if wanted else []
    spans = dict(zip(wanted, known_spans, strict=True))
    return [
        [
            Evidence(*part, spans=spans.get(part[1].text, {}) if part[1].is_current else {})
            for part in each
        ]
        for each in parts
    ]


def _known(
    encoder: Encoder,
    hits: Sequence[Mapping[str, Any]],
    sources: Sequence[Body | None],
    sought: Sequence[Sequence[Sought]],
) -> dict[tuple[int, str], Found]:
    """Return what each impacts field knows of each hit, by the hit's place and the field."""
    asked: dict[str, dict[int, tuple[Body, FieldRecord]]] = {}
    for at, (hit, source, clauses) in enumerate(zip(hits, sources, sought, strict=True)):
        for one in clauses:
            record = one.records.get(hit["_index"])
            if record is not None and source is not None:
                asked.setdefault(one.field, {})[at] = (source, record)
    return {
        (at, field): one
        for field, documents in asked.items()
        for at, one in zip(documents, found(encoder, field, list(documents.values())), strict=True)
    }


def _with_document(
    known: Mapping[tuple[int, str], Found], sought: Sequence[Sequence[Sought]]
) -> list[list[Sought]]:
    return [
        [one for one in clauses if (at, one.field) in known] for at, clauses in enumerate(sought)
    ]


def _shared(sought: Sought, document: Found) -> list[Contribution]:
    shared = explain(sought.weights, document.impacts, k1=sought.k1)
    least = sought.clause.min_score
    return shared if least is None or sum(one.score for one in shared) >= least else []
