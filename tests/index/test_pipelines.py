"""Ingest pipelines of an index that a job writes to."""

import logging

import pytest

from splare_os.index import IngestOptions, ingest
from splare_os.layout.pipeline import native_name
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch


@pytest.fixture
def told(client, index, write, tmp_path, caplog):
    """Index through a pipeline; return what the log warns of, the documents and the counts."""

    def run(setting: str, name: str, *processors: dict[str, object]):
        client.ingest.put_pipeline(id=name, body={"processors": list(processors)})
        try:
            client.indices.create(index=index, body={"settings": {setting: name}})
            source = write([{"_id": str(n), "text": f"ANTS {n}"} for n in range(3)])
            options = IngestOptions(index, chunk_documents=1, state_folder=tmp_path)
            running = ingest(client, HashEncoder(), [source], options)
            with caplog.at_level(logging.WARNING, "splare_os.index.worker"):
                list(running)
            found = client.search(index=index)["hits"]["hits"]
        finally:
            client.indices.put_settings(index=index, body={setting: None})
            client.ingest.delete_pipeline(id=name)
        ours = [one for one in caplog.records if one.name == "splare_os.index.worker"]
        return ours, [hit["_source"] for hit in found], running.counts

    return run


@pytest.mark.parametrize("setting", ["index.default_pipeline", "index.final_pipeline"])
@pytest.mark.parametrize(
    "processor",
    [{"lowercase": {"field": "text"}}, {"remove": {"field": ["text_splare.impacts", "text"]}}],
)
def test_what_changes_the_text_or_the_impacts_is_told_once(told, index, setting, processor):
    warned, _, counts = told(setting, f"{index}-changes", processor)
    assert counts["indexed"] == 3
    [message] = [one.getMessage() for one in warned]
    assert f"{index}-changes changes what impacts are made of" in message


def test_what_changes_other_fields_is_not_told(told, index):
    processor = {"set": {"field": "seen", "value": True}}
    warned, found, _ = told("index.default_pipeline", f"{index}-adds", processor)
    assert warned == []
    assert all(one["seen"] for one in found)


def test_the_pipeline_of_a_model_server_is_passed_by(told, index):
    name, fails = native_name(index, "text_splare"), {"message": "asked", "tag": "splare-model"}
    warned, _, counts = told("index.default_pipeline", name, {"fail": fails})
    assert warned == []
    assert counts["indexed"] == 3


def test_a_pipeline_of_others_is_not_passed_by_for_its_name(told, index):
    name, adds = f"splare-{index}-text_splare", {"field": "seen", "value": True}
    ours = {"set": adds | {"field": "made", "tag": "splare-store"}}
    _, found, counts = told("index.default_pipeline", name, ours, {"set": adds})
    assert counts["indexed"] == 3
    assert all(one["seen"] for one in found)


def test_a_pipeline_that_comes_in_mid_run_is_told(client, index, write, tmp_path, caplog):
    source = write([{"_id": str(n), "text": f"ANTS {n}"} for n in range(60)])
    options = IngestOptions(index, chunk_documents=1, state_folder=tmp_path)
    running, removes = ingest(client, HashEncoder(), [source], options), {"field": "text_splare"}
    client.ingest.put_pipeline(id=index, body={"processors": [{"remove": removes}]})
    for n, _ in enumerate(running):
        if n == 0:
            client.indices.put_settings(index=index, body={"index.final_pipeline": index})
    client.indices.put_settings(index=index, body={"index.final_pipeline": None})
    client.ingest.delete_pipeline(id=index)
    [message] = [one.getMessage() for one in caplog.records if one.name.endswith("index.worker")]
    assert f"{index} changes what impacts are made of (1 of" in message
