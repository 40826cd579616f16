"""The ingest pipeline for other writers: it drops what would make Lucene refuse a document.

What it cannot mend goes to the index `DEAD_LETTERS` instead, with the reason: of a bulk request the
item then names that index as its `_index`.
"""

from importlib import resources
from typing import TypeAlias

import orjson
from opensearchpy import AuthorizationException, NotFoundError, OpenSearch

from ..reply import rows

PIPELINE = "splare-sanitise"
DEAD_LETTERS = "splare-dead-letters"

Json: TypeAlias = dict[str, "object"]


def native_name(index: str, field: str) -> str:
    """Return the name of the pipelines of an index that is connected with a model server."""
    return f"splare-{index}-{field}"


def makes_impacts(client: OpenSearch, pipeline: str, field: str) -> bool:
    """Return whether a pipeline makes of a document what our worker makes of it, and nothing more.

    It has a name of ours, perhaps that of another index, by a template; and where it may be looked
    at, none but processors of ours.
    """
    is_native = pipeline.startswith("splare-") and pipeline.endswith(f"-{field}")
    if not is_native and pipeline != PIPELINE:
        return False
    try:
        processors = rows(client.ingest.get_pipeline(id=pipeline), pipeline, "processors")
    except (NotFoundError, AuthorizationException):
        return True
    tags = [one.get("tag", "") for processor in processors for one in processor.values()]
    return all(tag.startswith("splare-") for tag in tags)


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
