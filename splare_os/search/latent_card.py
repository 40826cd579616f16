"""The card of one latent: how frequent it is in an index, where it is heavy, what it is seen with.

It is read from the cluster alone; no model is loaded.
"""

from dataclasses import dataclass
from typing import Any

from opensearchpy import NotFoundError, OpenSearch
from opensearchpy.exceptions import AuthorizationException

from ..documents.document import encoded_text
from ..errors import MappingError
from ..layout.labels import Label, kept_labels
from ..layout.records import FieldRecord, Records, read_records
from ..reply import part, require_whole, rows
from .explain.html import safe, table_html
from .query.query import Dsl

NEIGHBOURS = 8
SAMPLE = 1000
"""Documents of each shard, those in which the latent is heaviest, whose latents are compared."""

SHOWN = 160


@dataclass(frozen=True, slots=True)
class TopDocument:
    """A document in which the latent is heavy: its impact as it is stored, and how it begins."""

    id: str
    impact: float
    beginning: str


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A latent that is heavier where this one is than elsewhere.

    `share` of the documents that show the latent have it among their heaviest, `share_elsewhere` of
    all documents.
    """

    latent: int
    share: float
    share_elsewhere: float
    label: str | None = None


@dataclass(frozen=True)
class LatentCard:
    """What an index, and the labels of its model, tell of a latent.

    `document_frequency` of `documents` show it.
    """

    latent: int
    index: str
    field: str
    model: str
    documents: int
    document_frequency: int
    label: str | None
    words: tuple[str, ...]
    trigger_words: tuple[str, ...]
    top: tuple[TopDocument, ...]
    neighbours: tuple[Neighbour, ...]

    @property
    def title(self) -> str:
        """The number, and the label if there is one."""
        return f"latent {self.latent}" + (f" · {self.label}" if self.label else "")

    @property
    def frequency(self) -> str:
        """How frequent it is, for people."""
        share = self.document_frequency / self.documents if self.documents else 0.0
        return f"in {self.document_frequency:,} of {self.documents:,} documents ({share:.2%})"

    def _repr_html_(self) -> str:
        """Return the card for a notebook."""
        top = [[safe(one.id), f"{one.impact:.2f}", safe(one.beginning)] for one in self.top]
        near = [
            [str(one.latent), safe(one.label or ""), f"{one.share:.0%}"] for one in self.neighbours
        ]
        lists = {"words": self.words, "came from": self.trigger_words}
        told = [f"<p>{name}: {safe(', '.join(each))}</p>" for name, each in lists.items() if each]
        return (
            f"<h4>{safe(self.title)}</h4><p>{self.frequency} of "
            f"{safe(self.index)}, by {safe(self.model)}</p>{''.join(told)}"
            + table_html(("document", "impact", "begins"), top)
            + table_html(("seen with", "label", "share"), near)
        )


def latent_card(
    client: OpenSearch,
    index: str,
    latent: int,
    *,
    text_field: str | None = None,
    impacts_field: str | None = None,
    size: int = 5,
) -> LatentCard:
    """Return the card of a latent, with its `size` heaviest documents.

    `impacts_field` says which, where a text has several. `ValueError` for a number that is no
    latent of the index's model, `MappingError` for an index without impacts, or with several fields
    or models of them.
    """
    field, records = _impacts_of(index, read_records(client, index), text_field, impacts_field)
    record = next(iter(records.values()))
    if not 0 <= latent < record.n_latents:
        raise ValueError(
            f"latent {latent}: {record.model!r} has latents 0 to {record.n_latents - 1}"
        )
    reply = _searched(client, index, _body(field, record, latent, size))
    near = part(reply, "aggregations", "sample", "latents")
    buckets = [one for one in rows(near, "buckets") if one["key"] != str(latent)][:NEIGHBOURS]
    labels = _labels(client, record, [latent, *(int(bucket["key"]) for bucket in buckets)])
    own = labels.get(latent)
    return LatentCard(
        *(latent, index, field, record.model),
        documents=_with_impacts(client, index, field),
        document_frequency=part(reply, "hits", "total", "value", kind=int),
        label=own.label if own else None,
        words=own.words if own else (),
        trigger_words=own.trigger_words if own else (),
        top=tuple(_top(hit, records[hit["_index"]]) for hit in rows(reply, "hits", "hits")),
        neighbours=tuple(_neighbour(bucket, near, labels) for bucket in buckets),
    )


def _searched(client: OpenSearch, index: str, body: Dsl) -> Any:  # noqa: ANN401  # a reply
    reply = client.search(index=index, body=body)
    require_whole(reply, index)
    return reply


def _with_impacts(client: OpenSearch, index: str, field: str) -> int:
    """Return how many documents have impacts."""
    body = {"query": {"range": {f"{field}.count": {"gt": 0}}}}
    return part(client.count(index=index, body=body), "count", kind=int)


def _impacts_of(
    index: str, found: dict[str, Records], text_field: str | None, impacts_field: str | None
) -> tuple[str, dict[str, FieldRecord]]:
    """Return the one field, and its record by index."""
    there = [
        (name, field, record)
        for name, records in found.items()
        for field, record in records.items()
        if text_field in {None, record.text_field} and impacts_field in {None, field}
    ]
    fields = sorted({field for _, field, _ in there})
    models = sorted({record.fingerprint for _, _, record in there})
    if len(fields) != 1 or len(models) != 1:
        of = f"{len(models)} models: name an index and an --impacts-field of one model"
        if len(models) == 1:
            of = "one model: name a --text-field or an --impacts-field"
        raise MappingError(
            f"index {index!r} has impacts in {', '.join(fields) or 'no field'}, of {of}"
        )
    return fields[0], {name: record for name, _, record in there}


def _body(field: str, record: FieldRecord, latent: int, size: int) -> Dsl:
    latents = {"significant_terms": {"field": f"{field}.latents", "size": NEIGHBOURS + 1}}
    return {
        "size": size,
        "track_total_hits": True,
        "query": {"rank_feature": {"field": f"{field}.impacts.{latent}", "linear": {}}},
        "_source": list(record.text_fields),
        "aggs": {"sample": {"sampler": {"shard_size": SAMPLE}, "aggs": {"latents": latents}}},
    }


def _top(hit: dict[str, Any], record: FieldRecord) -> TopDocument:
    text = " ".join(encoded_text(hit.get("_source", {}), record.document_fields).split())
    return TopDocument(hit["_id"], hit["_score"], text[:SHOWN] + "…" * (len(text) > SHOWN))


def _neighbour(bucket: Dsl, latents: Dsl, labels: dict[int, Label]) -> Neighbour:
    latent = int(bucket["key"])
    return Neighbour(
        latent,
        round(bucket["doc_count"] / max(1, latents["doc_count"]), 4),
        round(bucket["bg_count"] / max(1, latents["bg_count"]), 4),
        labels[latent].label if latent in labels else None,
    )


def _labels(client: OpenSearch, record: FieldRecord, latents: list[int]) -> dict[int, Label]:
    """Return the labels that there are; none where nobody has made any, or they may not be read."""
    try:
        return kept_labels(client, record, latents)
    except (NotFoundError, AuthorizationException):
        return {}
