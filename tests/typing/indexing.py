"""Documents into an index of a private cluster."""

from pathlib import Path
from typing import Literal, assert_type

from opensearchpy import OpenSearch

from splare_os.cluster import EmbeddedCluster
from splare_os.documents import Document, Fields, find_sources, read_documents
from splare_os.encoder import Encoder
from splare_os.index import (
    BulkOptions,
    IngestOptions,
    IngestRun,
    Outcome,
    Patience,
    ingest,
    set_testing,
)


def use(client: OpenSearch, encoder: Encoder) -> None:
    with EmbeddedCluster(home="data", heap_mb=512, jvm_options=["-Xss1m"]) as url:
        assert_type(url, str)
    options = IngestOptions(
        index="facts",
        fields=Fields(title="headline"),
        bulk=BulkOptions(max_actions=100),
        patience=Patience(tries=3),
        hash_sources=True,
    )
    assert_type(find_sources([Path("data"), "more/*.csv"]), list[str])
    for document in read_documents("documents.parquet", Fields(), after=7):
        assert_type(document, Document)
    with set_testing(most_tries=2):
        run = ingest(client, encoder, [Path("documents.jsonl")], options)
    assert_type(run, IngestRun)
    for outcome in run:
        assert_type(outcome, Outcome)
        assert_type(outcome.id, str | None)
    Status = Literal["indexed", "unchanged", "replaced", "empty", "dead"]
    assert_type(run.counts, dict[Status, int])
    assert_type(run.dead_letters, Path | None)


def misuse(client: OpenSearch, encoder: Encoder, outcome: Outcome) -> None:
    IngestOptions()  # type: ignore[call-arg]
    options = IngestOptions(index="facts", topk=3)  # type: ignore[call-arg]
    options.index = "others"  # type: ignore[misc]
    ingest(client, "mini", ["documents.jsonl"], options)  # type: ignore[arg-type]
    ingest(client, encoder, ["documents.jsonl"])  # type: ignore[call-arg]
    find_sources([7])  # type: ignore[list-item]
    assert outcome.status != "lost"  # type: ignore[comparison-overlap]
    EmbeddedCluster(heap_mb="1g")  # type: ignore[arg-type]
    set_testing(False)  # type: ignore[call-arg]
