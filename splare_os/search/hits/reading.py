"""Documents of a set, read with their impacts: the best of those that a query matches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from opensearchpy import NotFoundError, OpenSearch

from ...encoder import Encoder
from ...errors import MappingError
from ...impacts import Features, Impacts, from_features
from ...layout.records import FoundImpacts
from ...reply import part, require_whole, rows
from ..explain.found import found
from ..query.query import Dsl
from ..rewrite.rewrite import RewriteOptions, Rewriter

MOST_READ = 10_000
"""A server returns no more hits at once."""

TIE_WEIGHT = 1e-3
"""How far chance moves a score: it decides between equal ones, and hardly between others."""

Key: TypeAlias = tuple[str, str]
"""Concrete index and id of a document."""


@dataclass(frozen=True)
class Read:
    """Documents that were read: `keys`, the encoded `texts`, `impacts` [document, latent].

    `total` match; `unknown` of those that were looked at are left out, as their impacts cannot be
    told: they have none yet, or none of them are kept and the text has changed since.
    """

    keys: list[Key]
    texts: list[str]
    impacts: Impacts
    total: int
    unknown: int


@dataclass(frozen=True)
class Reader:
    """Reads documents of what `there` tells of `index`."""

    client: OpenSearch
    encoder: Encoder
    index: str
    there: FoundImpacts

    def read(self, query: Mapping[str, Any], size: int, *, seed: int = 0) -> Read:
        """Return the best `size` documents of a query, which may hold `splare` clauses.

        Of documents with equal scores, as filters give, those are read that chance by `seed`
        chooses. `ValueError` for a size that a server does not return.
        """
        if not 1 <= size <= MOST_READ:
            raise ValueError(f"{size} documents cannot be read at once: give 1 to {MOST_READ}")
        reply = self._asked(self._body(query, size, seed))
        hits = rows(reply, "hits", "hits")
        records = self.there.records
        documents = [(part(hit, "_source", kind=dict), records[hit["_index"]]) for hit in hits]
        told = found(self.encoder, self.there.name, documents)
        known = [
            at
            for at, (hit, each) in enumerate(zip(hits, told, strict=True))
            if each.impacts or self._count(hit) == 0
        ]
        return Read(
            [(hits[at]["_index"], hits[at]["_id"]) for at in known],
            [told[at].text for at in known],
            from_features(
                [_latents(told[at].impacts, self.encoder.n_latents) for at in known],
                self.encoder.n_latents,
            ),
            part(reply, "hits", "total", "value", kind=int),
            len(hits) - len(known),
        )

    def _body(self, query: Mapping[str, Any], size: int, seed: int) -> Dsl:
        name = self.there.name
        chance = {"random_score": {"seed": seed, "field": "_seq_no"}, "weight": TIE_WEIGHT}
        scored = {"query": query, "functions": [chance], "boost_mode": "sum"}
        texts = {text for record in self.there.records.values() for text in record.text_fields}
        kept = [f"{name}.{part}" for part in ("impacts", "count", "digest")]
        return {
            "size": size,
            "track_total_hits": True,
            "query": {"function_score": scored},
            "_source": [*kept, *sorted(texts)],
        }

    def _asked(self, body: Dsl) -> Dsl:
        """Return the reply of all shards to a search whose clauses are rewritten here."""
        rewriter = Rewriter(self.client, self.encoder, RewriteOptions())
        made = rewriter.rewrite(f"/{self.index}/_search", None, body)
        try:
            reply: Dsl = self.client.search(index=self.index, body=made.body, params=made.params)
        except NotFoundError as error:
            raise MappingError(
                f"no index {self.index!r} any more: it was deleted meanwhile"
            ) from error
        require_whole(reply, self.index)
        return reply

    def _count(self, hit: Mapping[str, Any]) -> object:
        """Return how many impacts a document has, as its worker counted; None if it has not."""
        ours = hit["_source"].get(self.there.name)
        return ours.get("count") if isinstance(ours, Mapping) else None


def _latents(features: Features, n_latents: int) -> Features:
    """Return what is an impact of a latent: other writers may have put anything there."""
    return {
        name: value
        for name, value in features.items()
        if name.isdecimal() and name.isascii() and int(name) < n_latents
    }


def ids_query(ids: Sequence[str]) -> Dsl:
    """Return the query of documents by id."""
    return {"ids": {"values": list(ids)}}
