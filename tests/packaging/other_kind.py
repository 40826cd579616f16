"""The main job in Python with an encoder of another kind: argv names the cluster and documents."""

import sys

from hashing import HashEncoder
from opensearchpy import OpenSearch

from splare_os.index import IngestOptions, ingest
from splare_os.search import SplareOpenSearch, translate

INDEX = "other-kind"

url, documents = sys.argv[1:]
encoder = HashEncoder(n_latents=1 << 16)
with OpenSearch(url, timeout=60) as client:
    for outcome in ingest(client, encoder, [documents], IngestOptions(index=INDEX)):
        assert outcome.status == "indexed", outcome
query = "how much water"
with SplareOpenSearch(url, encoder=encoder) as client:
    try:
        by_clause = client.search(index=INDEX, body={"query": {"splare": {"text": query}}})
        translated = translate(encoder.encode_queries([query]), "text_splare.impacts")
        by_hand = client.search(index=INDEX, body={"query": translated})
    finally:
        client.indices.delete(index=INDEX)
found = [(hit["_id"], hit["_score"]) for hit in by_clause["hits"]["hits"]]
assert found == [(hit["_id"], hit["_score"]) for hit in by_hand["hits"]["hits"]]
assert "torch" not in sys.modules
print(*(name for name, _ in found))
