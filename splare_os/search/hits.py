"""Search one index with one query: what `splare-os search` does, as a function."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opensearchpy import NotFoundError, OpenSearch

from ..documents.template import document_text
from ..encoder import Encoder
from ..errors import MappingError
from ..impacts import Impacts
from ..layout.field import impacts_field
from ..layout.records import FieldRecord, check_model, read_records
from .explain import Match, explain, matches
from .query import Dsl, translate, two_step
from .source import exclude_impacts


@dataclass(frozen=True)
class SearchOptions:
    """`text_field`: which field's impacts; None is the only one that the index has."""

    text_field: str | None = None
    size: int = 10
    two_step: bool = False
    explain: bool = False

    def __post_init__(self) -> None:
        """Refuse to fetch no hits."""
        if self.size < 1:
            raise ValueError(f"size={self.size}: ask for at least one hit")


@dataclass(frozen=True)
class Hit:
    """One document found; `matches` only where an explanation was asked for."""

    id: str
    score: float
    source: Mapping[str, Any]
    matches: list[Match] = field(default_factory=list)


def search(
    client: OpenSearch, encoder: Encoder, index: str, query: str, options: SearchOptions
) -> list[Hit]:
    """Return the best hits of `query`, best first.

    `client` may be any OpenSearch client. Raises `MappingError` for an index without impacts,
    `ModelMismatchError` for one made by another model.
    """
    text_field = options.text_field or only_text_field(client, index)
    name = impacts_field(text_field)
    records = check_model(client, index, name, encoder)
    impacts = encoder.encode_queries([query])
    body = _body(impacts, f"{name}.impacts", options)
    try:
        reply = client.search(index=index, body=body)
    except NotFoundError as error:
        raise MappingError(f"no index {index!r} any more: it was deleted meanwhile") from error
    return [
        _hit(hit, impacts, _Explainer(encoder, query, name, records[hit["_index"]]), options)
        for hit in reply["hits"]["hits"]
    ]


def only_text_field(client: OpenSearch, index: str) -> str:
    """Return the text field that has impacts; `MappingError` if that is none, or several."""
    records = read_records(client, index).values()
    fields = sorted({record.text_fields[-1] for each in records for record in each.values()})
    if len(fields) != 1:
        raise MappingError(
            f"index {index!r} has impacts for {', '.join(fields) or 'no field'}: "
            + ("name one (--text-field)" if fields else "make it with `splare-os index`")
        )
    return fields[0]


@dataclass(frozen=True)
class _Explainer:
    encoder: Encoder
    query: str
    field: str
    record: FieldRecord


def _body(impacts: Impacts, field: str, options: SearchOptions) -> Dsl:
    body = two_step(impacts, field) if options.two_step else {"query": translate(impacts, field)}
    wanted = [field, "*"] if options.explain else None
    return body | {"size": options.size, "_source": exclude_impacts(wanted)}


def _hit(hit: Mapping[str, Any], impacts: Impacts, why: _Explainer, options: SearchOptions) -> Hit:
    source = dict(hit["_source"])
    ours = dict(source.get(why.field, {}))
    features = ours.pop("impacts", {})
    if why.field in source:
        source[why.field] = ours
    if not options.explain:
        return Hit(hit["_id"], hit["_score"], source)
    *titles, text = why.record.text_fields
    title = source.get(titles[0]) if titles else None
    document = document_text(title, source.get(text))
    shared = explain(impacts, features)
    found = matches(why.encoder, why.query, document, shared)
    return Hit(hit["_id"], hit["_score"], source, found)
