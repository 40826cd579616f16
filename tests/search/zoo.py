"""Two indices with fields of every kind, whose texts have impacts: `zoo` and, of three shards,
`zoo-wide`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from opensearchpy import OpenSearch

from splare_os.encoder import Encoder
from splare_os.index import IngestOptions, ingest

INDICES = ("zoo", "zoo-wide")
LANGUAGES = ("en", "de", "fr")
WORDS = ("oil", "crisis", "price", "war", "the", "of", "embargo", "river")
PROPERTIES: dict[str, Any] = {
    "title": {
        "type": "text",
        "term_vector": "with_positions_offsets",
        "fields": {
            "raw": {"type": "keyword"},
            "length": {"type": "token_count", "analyzer": "standard"},
        },
    },
    "note": {"type": "text", "store": True, "fielddata": True},
    "lang": {"type": "keyword"},
    "year": {"type": "integer"},
    "price": {"type": "float"},
    "when": {"type": "date"},
    "is_old": {"type": "boolean"},
    "place": {"type": "geo_point"},
    "area": {"type": "geo_shape"},
    "address": {"type": "ip"},
    "years": {"type": "integer_range"},
    "pages": {
        "type": "nested",
        "properties": {
            "kind": {"type": "keyword"},
            "n": {"type": "integer"},
            "body": {"type": "text"},
        },
    },
    "tree": {"type": "join", "relations": {"book": "page"}},
    "flat": {"type": "flat_object"},
    "complete": {"type": "completion"},
    "typing": {"type": "search_as_you_type"},
    "wild": {"type": "wildcard"},
    "tongue": {"type": "alias", "path": "lang"},
    "rank": {"type": "rank_feature"},
    "needed": {"type": "integer"},
    "stored_query": {"type": "percolator"},
    # the usual engine needs a library that the embedded OpenSearch lacks: it would end
    "vector": {
        "type": "knn_vector",
        "dimension": 2,
        "method": {"name": "hnsw", "engine": "lucene", "space_type": "l2"},
    },
}
DERIVED = {"decade": {"type": "long", "script": {"source": "emit(doc['year'].value / 10 * 10)"}}}


def build(client: OpenSearch, encoder: Encoder, folder: Path) -> None:
    """Make both indices, with 40 documents each; those of `zoo` are books and pages too."""
    for index, shards in zip(INDICES, (1, 3), strict=True):
        body = {
            "settings": {"number_of_shards": shards, "number_of_replicas": 0, "knn": True},
            "mappings": {"properties": PROPERTIES | {"text": {"type": "text"}}, "derived": DERIVED},
        }
        client.indices.create(index=index, body=body)
        documents = {f"{index[-1]}{n}": document(n, index) for n in range(40)}
        path = folder / f"{index}.jsonl"
        lines = (json.dumps({"_id": name, **one}) for name, one in documents.items())
        path.write_text("".join(f"{line}\n" for line in lines))
        options = IngestOptions(index, state_folder=folder)
        outcomes = list(ingest(client, encoder, [str(path)], options))
        assert {outcome.status for outcome in outcomes} == {"indexed"}
    _join(client)
    for index in INDICES:
        client.indices.refresh(index=index)
        client.indices.forcemerge(index=index, params={"max_num_segments": 1})
        client.indices.refresh(index=index)


def document(number: int, index: str) -> dict[str, Any]:
    """Return the fields of one document."""
    rng = np.random.default_rng([number, len(index)])
    words = [str(word) for word in rng.choice(WORDS, 1 + number % 7)]
    return {
        "text": " ".join(words),
        "title": " ".join(words[:2]) + f" {number}",
        "note": " ".join(words[-2:]),
        "lang": LANGUAGES[number % 3],
        "year": 1990 + number,
        "price": float(rng.random()),
        "when": f"20{10 + number % 10}-0{1 + number % 9}-01",
        "is_old": number % 2 == 0,
        "place": {"lat": number, "lon": -number},
        "area": {"type": "point", "coordinates": [number, number]},
        "address": f"10.0.0.{number}",
        "years": {"gte": number, "lte": number + 5},
        "pages": [{"kind": word, "n": n, "body": f"{word} page"} for n, word in enumerate(words)],
        "flat": {"word": words[0], "deep": {"n": str(number)}},
        "complete": " ".join(words),
        "typing": " ".join(words),
        "wild": "-".join(words),
        "rank": 1.0 + number,
        "needed": 1 + number % 2,
        "vector": [float(number), float(number % 5)],
        **({"stored_query": {"match": {"text": words[0]}}} if number % 10 == 0 else {}),
    }


def _join(client: OpenSearch) -> None:
    """Make every fifth document of `zoo` a book, and those after it its pages."""
    for number in range(40):
        parent = number - number % 5
        tree: Any = "book" if number == parent else {"name": "page", "parent": f"o{parent}"}
        params = {} if number == parent else {"routing": f"o{parent}"}
        client.update(index="zoo", id=f"o{number}", body={"doc": {"tree": tree}}, params=params)
