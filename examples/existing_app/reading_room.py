"""A reading room: the paragraphs of an encyclopaedia, searched by their words."""

import gzip
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opensearchpy import OpenSearch
from opensearchpy.helpers import bulk

INDEX = "reading-room"

TITLE = {
    "type": "text",
    "analyzer": "english",
    "fields": {"article": {"type": "keyword"}, "prefix": {"type": "search_as_you_type"}},
}
PROPERTIES = {
    "title": TITLE,
    "text": {"type": "text", "analyzer": "english"},
    "length": {"type": "keyword"},
}
FACETS = {"articles": "title.article", "lengths": "length"}


@dataclass(frozen=True)
class Paragraph:
    """One hit: the document, and its text with the words that were found in <b>."""

    id: str
    title: str
    text: str
    length: str
    shown: str


@dataclass(frozen=True)
class Page:
    """A page of hits, how many there are in all, and how many of each article and length."""

    paragraphs: list[Paragraph]
    total: int
    facets: Mapping[str, Mapping[str, int]]


def connect() -> OpenSearch:
    """Return a client of the reading room's cluster."""
    return OpenSearch(os.environ.get("READING_ROOM_URL", "http://localhost:9200"), timeout=60)


def load(client: OpenSearch, path: Path) -> int:
    """Return how many paragraphs of a file (JSON Lines, gzip) the new index holds."""
    client.indices.create(index=INDEX, body={"mappings": {"properties": PROPERTIES}})
    n_loaded, _ = bulk(client, _actions(path), refresh=True)
    return n_loaded


def search(  # noqa: PLR0913  # what a visitor may choose
    client: OpenSearch,
    words: str,
    *,
    article: str | None = None,
    length: str | None = None,
    page: int = 1,
    per_page: int = 10,
) -> Page:
    """Return a page of the paragraphs that have one of `words`, the best first."""
    chosen = {"title.article": article, "length": length}
    filters = [{"term": {field: value}} for field, value in chosen.items() if value is not None]
    match = {"multi_match": {"query": words, "fields": ["title^2", "text"], "type": "most_fields"}}
    body = {
        "query": {"bool": {"must": [match], "filter": filters}},
        "from": (page - 1) * per_page,
        "size": per_page,
        "track_total_hits": True,
        "aggs": {name: {"terms": {"field": field, "size": 50}} for name, field in FACETS.items()},
        "highlight": {"pre_tags": ["<b>"], "post_tags": ["</b>"], "fields": {"text": {}}},
    }
    reply = client.search(index=INDEX, body=body)
    facets = {
        name: {bucket["key"]: bucket["doc_count"] for bucket in found["buckets"]}
        for name, found in reply["aggregations"].items()
    }
    hits = reply["hits"]
    return Page([_paragraph(hit) for hit in hits["hits"]], hits["total"]["value"], facets)


def complete(client: OpenSearch, beginning: str) -> list[str]:
    """Return the articles whose titles go on from what a visitor has typed."""
    match = {
        "query": beginning,
        "type": "bool_prefix",
        "fields": ["title.prefix", "title.prefix._2gram", "title.prefix._3gram"],
    }
    body = {"query": {"multi_match": match}, "collapse": {"field": "title.article"}, "size": 5}
    return [
        hit["_source"]["title"] for hit in client.search(index=INDEX, body=body)["hits"]["hits"]
    ]


def _actions(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            paragraph = json.loads(line)
            n_words = len(paragraph["text"].split())
            length = "short" if n_words < 80 else "medium" if n_words < 160 else "long"
            document = {"title": paragraph["title"], "text": paragraph["text"], "length": length}
            yield {"_index": INDEX, "_id": paragraph["_id"], "_source": document}


def _paragraph(hit: Mapping[str, Any]) -> Paragraph:
    shown = " … ".join(hit.get("highlight", {}).get("text", []))
    return Paragraph(hit["_id"], shown=shown, **hit["_source"])
