"""Index twelve documents into a private OpenSearch, and search them by meaning."""

from pathlib import Path

from splare_os.cluster import EmbeddedCluster
from splare_os.encode import load_encoder
from splare_os.index import IngestOptions, ingest
from splare_os.search import SplareOpenSearch

documents = str(Path(__file__).parent / "documents.jsonl")
mini = load_encoder("mini")
with EmbeddedCluster() as url, SplareOpenSearch(url, encoder=mini) as client:
    print(len(list(ingest(client, mini, [documents], IngestOptions(index="facts")))), "documents")
    for question in ("who lost money when stocks fell", "animal camouflage", "why does dough grow"):
        body = {"query": {"splare": {"text": question}}, "size": 2}
        for hit in client.search(index="facts", body=body)["hits"]["hits"]:
            print(f"{question:32} {hit['_score']:6.2f}  {hit['_source']['title']}")
