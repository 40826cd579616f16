"""Index and retrieve with Haystack: `pip install "splare-os[haystack,encode,cluster]"`."""

import json
from pathlib import Path

from haystack import Document, Pipeline
from haystack.components.writers import DocumentWriter

from splare_os.adapters.haystack import (
    SplareDocumentEmbedder,
    SplareDocumentStore,
    SplareEmbeddingRetriever,
    SplareTextEmbedder,
)
from splare_os.cluster import EmbeddedCluster

FACTS = Path(__file__).parents[1] / "documents.jsonl"
LUCENE = {"space_type": "cosinesimil", "engine": "lucene", "name": "hnsw"}


def documents() -> list[Document]:
    """Return the shipped facts."""
    facts = map(json.loads, FACTS.read_text(encoding="utf-8").splitlines())
    return [Document(content=one["text"], meta={"title": one["title"]}) for one in facts]


def main() -> None:
    """Write documents by one pipeline, and ask another for the best."""
    with EmbeddedCluster() as url:
        store = SplareDocumentStore(
            hosts=url, index="facts", template="{title} {content}", method=LUCENE
        )
        indexing = Pipeline()
        embedder = SplareDocumentEmbedder("mini", template="{title} {content}")
        indexing.add_component("embedder", embedder)
        indexing.add_component("writer", DocumentWriter(store))
        indexing.connect("embedder", "writer")
        indexing.run({"embedder": {"documents": documents()}})
        store.take_statistics()

        searching = Pipeline()
        searching.add_component("embedder", SplareTextEmbedder("mini"))
        retriever = SplareEmbeddingRetriever(document_store=store, top_k=1)
        searching.add_component("retriever", retriever)
        searching.connect("embedder", "retriever.query_sparse_embedding")
        for question in ("who lost money when stocks fell", "why does dough grow"):
            (best,) = searching.run({"embedder": {"text": question}})["retriever"]["documents"]
            print(question, "→", best.meta["title"])
        store.close()


if __name__ == "__main__":
    main()
