"""The ingest pipeline for other writers: it drops what would make Lucene refuse a document."""

from importlib import resources
from typing import TypeAlias

import orjson
from opensearchpy import OpenSearch

PIPELINE = "splare-sanitise"

Json: TypeAlias = dict[str, "object"]


def pipeline_body() -> Json:
    """Return `ingest_pipelines/splare-sanitise.json`, the body of `PUT _ingest/pipeline/…`."""
    file = resources.files("splare_os") / "ingest_pipelines" / f"{PIPELINE}.json"
    body: Json = orjson.loads(file.read_bytes())
    return body


def put_pipeline(client: OpenSearch) -> None:
    """Create or replace the pipeline on the cluster, from that very file."""
    client.ingest.put_pipeline(id=PIPELINE, body=pipeline_body())
