"""Replies with what the client adds to hits: highlights by latents, and explanations."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from opensearchpy import OpenSearch

from ...encoder import Encoder, Spans
from ...layout.view import Headers
from ..explain.evidence import Evidence, Sought, fetched, gathered
from ..explain.explain import matched
from ..request.msearch import replies_in
from .asked import Asked
from .highlight import highlight

Hit: TypeAlias = dict[str, Any]
"""A hit of a reply, as JSON."""

Wanted: TypeAlias = Sequence[tuple[Asked, Sequence[Sought]] | None]
"""Of each search of a request what it asks and what its clauses look for; None: it asks nothing."""

VERSION_KEYS = ("_seq_no", "_primary_term")


@dataclass(frozen=True)
class Annotated:
    """Makes of a reply, also of an `_msearch`, one whose hits have what their search asked for."""

    client: OpenSearch
    encoder: Encoder
    headers: Headers
    searches: Wanted

    def __call__(self, reply: Any) -> Any:  # noqa: ANN401  # what a server says
        """Return the reply, its hits with highlights and explanations."""
        hits, asked, sought = [], [], []
        for search, one in zip(self.searches, replies_in(reply), strict=False):
            if search is None:
                continue
            for hit in _hits(one):
                hits.append(hit)
                asked.append(search[0])
                sought.append(search[1])
        sources = fetched(self.client, hits, sought, self.headers)
        evidence = gathered(self.encoder, hits, sources, sought)
        queries = self._query_spans(asked, evidence)
        for hit, one, found in zip(hits, asked, evidence, strict=True):
            _annotate(hit, one, found, queries)
        return reply

    def _query_spans(
        self, asked: Sequence[Asked], evidence: Sequence[Sequence[Evidence]]
    ) -> dict[str, Spans]:
        """Return the spans of all queries of hits that are to be explained, in one batch."""
        pairs = zip(asked, evidence, strict=True)
        explained = (part for one, found in pairs if one.explains for part in found)
        texts = list(dict.fromkeys(part.sought.clause.query for part in explained))
        return dict(zip(texts, self.encoder.spans(texts, query=True), strict=True)) if texts else {}


def _annotate(
    hit: Hit, asked: Asked, evidence: Sequence[Evidence], queries: Mapping[str, Spans]
) -> None:
    if made := highlight(evidence, asked.forms):
        hit["highlight"] = {**hit.get("highlight", {}), **made}
    if asked.explains:
        found = (one for one in evidence if one.contributions)
        hit["splare"] = [_explanation(one, queries) for one in found]
    if asked.adds_version:
        for key in VERSION_KEYS:
            hit.pop(key)


def _explanation(evidence: Evidence, queries: Mapping[str, Spans]) -> dict[str, Any]:
    """Return what one clause found in a document, as JSON."""
    clause, text = evidence.sought.clause, evidence.found.text
    query = clause.query, queries[clause.query]
    shared = matched(query, (text, evidence.spans), evidence.contributions)
    return {
        "field": clause.field,
        "query": clause.query,
        "score": evidence.score,
        "text": text if evidence.found.is_current else None,
        "matches": [asdict(one) for one in shared],
    }


def _hits(reply: Any) -> Sequence[Hit]:  # noqa: ANN401
    hits = reply.get("hits") if isinstance(reply, Mapping) else None
    return hits.get("hits", []) if isinstance(hits, Mapping) else []
