"""The demo: a real sample, indexed once, searched by BM25 and by latents side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files

from opensearchpy import OpenSearch

from ..documents.fields import Fields
from ..encoder import Encoder
from ..index import IngestOptions, IngestRun, ingest
from ..layout import content_field
from ..search import Hit, SearchOptions, search

INDEX = "splare-demo"
SAMPLE = "squad-dev.jsonl.gz"

QUERIES = (
    "how do plants turn sunlight into food",
    "illness spread by fleas on rats",
    "why did petrol become so expensive in the seventies",
    "who gets to throw the ball for Denver",
    "teaching without being paid",
)
"""Questions in other words than the documents', which is where BM25 has least to go by."""


@dataclass(frozen=True)
class Comparison:
    """The best hits of one query, by BM25 and by latents; the latter with their matches."""

    query: str
    bm25: list[Hit]
    latents: list[Hit]


def index_sample(client: OpenSearch, encoder: Encoder) -> Iterator[IngestRun]:
    """Yield a run over the shipped sample; the sample stays readable while it is iterated."""
    with as_file(files("splare_os") / "samples" / SAMPLE) as path:
        yield ingest(client, encoder, [str(path)], IngestOptions(index=INDEX))


def compare(client: OpenSearch, encoder: Encoder, query: str, *, size: int = 3) -> Comparison:
    """Return the `size` best hits of `query` from the demo's index."""
    by_latents = search(client, encoder, INDEX, query, SearchOptions(size=size, explain=True))
    return Comparison(query, bm25(client, query, size=size), by_latents)


def bm25(client: OpenSearch, query: str, *, size: int) -> list[Hit]:
    """Return the `size` best hits of `query` by words."""
    body = {"query": {"match": {content_field(Fields()): query}}, "size": size}
    hits = client.search(index=INDEX, body=body)["hits"]["hits"]
    found = [(hit, hit["_source"]) for hit in hits]
    return [
        Hit(hit["_id"], hit["_score"], source, texts=(source["title"], source["text"]))
        for hit, source in found
    ]
