"""Indices and documents that a backfill refuses, and leaves as they are."""

import time
from threading import Timer

import pytest
from opensearchpy import OpenSearch

from splare_os.documents import Fields
from splare_os.errors import BulkError, MappingError, ModelMismatchError
from splare_os.index import BackfillOptions, BackfillRun, backfill
from splare_os.index.handle import SEEN_S
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch

TEXT = {"text": {"type": "text"}}


@pytest.fixture
def fill(client, index, tmp_path):
    """Run a backfill to its end."""

    def run(encoder: HashEncoder | None = None, fields: Fields | None = None) -> BackfillRun:
        options = BackfillOptions(index, fields or Fields(), state_folder=tmp_path, share=1.0)
        running = backfill(client, encoder or HashEncoder(), options)
        list(running)
        return running

    return run


@pytest.mark.parametrize(
    ("mappings", "message"),
    [
        (
            {"properties": {"body": {"type": "text"}}},
            r"has no field 'text' \(--text-field\); it has body",
        ),
        (
            {"properties": {"body": TEXT["text"], "text": {"type": "alias", "path": "body"}}},
            "'text' is an alias, and what documents hold is 'body': name that",
        ),
        ({"properties": TEXT, "_source": {"enabled": False}}, "keeps documents in part only"),
        ({"properties": TEXT, "_source": {"excludes": ["secret"]}}, "would lose the rest"),
        ({"properties": TEXT, "_source": {"excludes": ["te*"]}}, "would lose the rest"),
        ({"properties": TEXT, "_source": {"includes": ["text"]}}, "would lose the rest"),
        ({"properties": TEXT | {"text_splare": {"type": "keyword"}}}, "in another shape"),
    ],
)
def test_an_index_that_does_not_fit_is_refused_and_left_alone(
    client, index, fill, mappings, message
):
    client.indices.create(index=index, body={"mappings": mappings})
    before = client.indices.get_mapping(index=index)
    with pytest.raises(MappingError, match=message):
        fill()
    assert client.indices.get_mapping(index=index) == before


def test_an_index_that_is_not_there_is_not_made(client, index, fill):
    with pytest.raises(MappingError, match="no index"):
        fill()
    assert not client.indices.exists(index=index)


def test_an_index_whose_source_is_derived_is_refused(client, index, fill):
    settings = {"index.derived_source.enabled": True}
    mappings = {"properties": {"text": {"type": "keyword"}}}
    client.indices.create(index=index, body={"settings": settings, "mappings": mappings})
    with pytest.raises(MappingError, match="derives _source from its fields"):
        fill()


def test_another_model_is_refused(client, index, fill):
    client.index(index=index, id="a", body={"text": "ants"})
    fill()
    with pytest.raises(ModelMismatchError, match="Another version of 'hash' made it"):
        fill(encoder=HashEncoder(fingerprint="f" * 16))


class Deleter(HashEncoder):
    """Somebody deletes the index while its texts are encoded."""

    def __init__(self, client: OpenSearch, index: str) -> None:
        super().__init__()
        self.client, self.index = client, index

    def encode_documents(self, texts):
        self.client.indices.delete(index=self.index)
        time.sleep(SEEN_S)
        return super().encode_documents(texts)


def test_an_index_that_is_deleted_meanwhile_is_not_made_by_a_write_of_ours(client, index, fill):
    client.index(index=index, id="a", body={"text": "ants"})
    with pytest.raises(BulkError, match="was deleted during the run"):
        fill(Deleter(client, index))
    assert not client.indices.exists(index=index)


def test_one_that_the_cluster_has_made_by_itself_is_told(client, index, fill):
    client.indices.create(index=index)
    with pytest.raises(MappingError, match="it has none. If the cluster made it by itself"):
        fill()


def test_a_watch_follows_an_index_of_its_alias_that_is_made_anew_at_once(client, index, tmp_path):
    body = {"mappings": {"properties": TEXT}, "aliases": {index: {}}}
    client.indices.create(index=f"{index}-1", body=body)
    for k in range(4):
        client.index(index=index, id=f"d{k}", body={"text": f"ants {k}"})
    options = BackfillOptions(index, state_folder=tmp_path, share=1.0, watch=True, poll_s=2.0)
    running = backfill(client, HashEncoder(), options)
    outcomes = iter(running)
    assert [next(outcomes).status for _ in range(4)] == ["indexed"] * 4
    client.indices.delete(index=f"{index}-1")
    client.indices.create(index=f"{index}-1", body=body)
    client.index(index=index, id="new", body={"text": "wasps"})
    Timer(20.0, running.stop.set).start()  # or it waits for ever
    found = next(outcomes, None)
    assert found is not None
    assert (found.id, found.status, running.counts["indexed"]) == ("new", "indexed", 5)


def test_a_watch_tells_of_an_index_that_is_deleted(client, index, tmp_path):
    client.index(index=index, id="a", body={"text": "ants"})
    options = BackfillOptions(index, state_folder=tmp_path, watch=True, poll_s=0.1)
    outcomes = iter(backfill(client, HashEncoder(), options))
    next(outcomes)
    client.indices.delete(index=index)
    with pytest.raises(BulkError, match="was deleted during the run"):
        next(outcomes)


def test_a_text_that_no_utf_8_holds_is_dead_and_the_others_are_not(client, index, fill):
    for name, line in {
        "half": b'{"text": "ants \\ud800"}',
        "large": b'{"text": 123456789012345678901234567890}',
        "good": b'{"text": "ants"}',
    }.items():
        client.index(index=index, id=name, body=line)
    running = fill()
    assert (running.counts["indexed"], running.counts["dead"]) == (1, 2)
    (letters,) = running.dead_letters
    assert letters.read_bytes().count(b"\n") == 2


def test_a_text_that_is_filled_by_copies_is_warned_of(client, index, fill, caplog):
    properties = {"body": {"type": "text", "copy_to": "text"}, **TEXT}
    client.indices.create(index=index, body={"mappings": {"properties": properties}})
    client.index(index=index, id="a", body={"body": "ants"})
    assert fill().counts["empty"] == 1
    assert "'text' is filled by copies (copy_to) of body" in caplog.text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (Fields("text", "nmae"), "no mapping has a field 'nmae', so that impacts are made without"),
        (Fields("text", template="{brnd}: {text}"), "no mapping has a field 'brnd'"),
        (Fields("text"), ""),
        (Fields("text", "name"), ""),
    ],
)
def test_a_field_that_was_named_and_that_no_index_has_is_told_once(
    client, index, fill, caplog, fields, told
):
    client.index(index=index, id="a", body={"text": "ants", "name": "bees"}, refresh=True)
    assert fill(fields=fields).counts["indexed"] == 1
    assert told in caplog.text
    assert caplog.text.count("no mapping has") == bool(told)
