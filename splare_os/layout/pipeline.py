"""The ingest pipeline for other writers: it drops what would make Lucene refuse a document.

What it cannot mend goes to the index `DEAD_LETTERS` instead, with the reason: of a bulk request the
item then names that index as its `_index`.
"""

from importlib import resources
from typing import TypeAlias

import orjson
from opensearchpy import OpenSearch

PIPELINE = "splare-sanitise"
DEAD_LETTERS = "splare-dead-letters"

Json: TypeAlias = dict[str, "object"]


def native_name(index: str, field: str) -> str:
    """Return the name of the pipelines of an index that is connected with a model server."""
    return f"splare-{index}-{field}"


def makes_impacts(pipeline: str, field: str) -> bool:
    """Return whether a pipeline of such a name makes of a document what our worker makes of it.

    A template gives indices the pipeline of another one.

    >>> makes_impacts(native_name("papers", "text_splare"), "text_splare")
    True
    """
    is_native = pipeline.startswith("splare-") and pipeline.endswith(f"-{field}")
    return pipeline == PIPELINE or is_native


def pipeline_body() -> Json:
    """Return `ingest_pipelines/splare-sanitise.json`, the body of `PUT _ingest/pipeline/…`."""
    return _read("ingest_pipelines", PIPELINE)


def dead_letters_template() -> Json:
    """Return `mappings/splare-dead-letters.json`, the body of `PUT _index_template/…`."""
    return _read("mappings", DEAD_LETTERS)


def put_pipeline(client: OpenSearch) -> None:
    """Create or replace the pipeline on the cluster, and the template of its dead letters."""
    client.indices.put_index_template(name=DEAD_LETTERS, body=dead_letters_template())
    client.ingest.put_pipeline(id=PIPELINE, body=pipeline_body())


def _read(folder: str, name: str) -> Json:
    file = resources.files("splare_os") / folder / f"{name}.json"
    body: Json = orjson.loads(file.read_bytes())
    return body
