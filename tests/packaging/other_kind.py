"""The main job in Python with an encoder of another kind, torch-free; prints what it finds."""

import sys

from opensearchpy import OpenSearch

from splare_os.index import IngestOptions, ingest
from splare_os.search import SplareOpenSearch, translate
from tests.hashing import HashEncoder

INDEX = "other-kind"
QUERY = "how much water"


def do_the_job(url: str, documents: str) -> list[str]:
    """Return the ids that a clause finds, and a translated query too."""
    encoder = HashEncoder(n_latents=1 << 16)
    with SplareOpenSearch(url, encoder=encoder, timeout=60) as client:
        for outcome in ingest(client, encoder, [documents], IngestOptions(index=INDEX)):
            assert outcome.status == "indexed", outcome
        by_clause = found_by(client, {"splare": {"text": QUERY}})
        translated = translate(encoder.encode_queries([QUERY]), "text_splare.impacts")
        assert by_clause == found_by(client, translated)
    return by_clause


def found_by(client: OpenSearch, query: dict[str, object]) -> list[str]:
    hits = client.search(index=INDEX, body={"query": query})["hits"]["hits"]
    return [hit["_id"] for hit in hits]


if __name__ == "__main__":
    print(*do_the_job(*sys.argv[1:]))
    assert "torch" not in sys.modules
