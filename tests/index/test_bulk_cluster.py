"""Replies of a real server to what it cannot, or may not, take."""

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import BulkError
from splare_os.index.actions import Action
from splare_os.index.bulk import BulkOptions, Sender

pytestmark = [pytest.mark.opensearch, pytest.mark.usefixtures("four_tries")]


@pytest.fixture
def made(client, index):
    """An index with a date, a rank_features field and nothing else."""
    properties = {"day": {"type": "date"}, "v": {"type": "rank_features"}}
    client.indices.create(
        index=index, body={"mappings": {"dynamic": "strict", "properties": properties}}
    )
    return index


def actions(index: str, **sources: str) -> list[Action]:
    return [
        Action(name, b'{"index":{"_index":"%b","_id":"%b"}}\n%b\n'
               % (index.encode(), name.encode(), source.encode()))
        for name, source in sources.items()
    ]  # fmt: skip


def send(client: OpenSearch, index: str, pipeline: str | None = None, **sources: str):
    sender = Sender(client, index, BulkOptions(pipeline=pipeline))
    return sender.send(actions(index, **sources))


def test_good_documents_are_stored_twice_as_well_as_once(client, made):
    for _ in range(2):
        assert send(client, made, a='{"v": {"1": 2.5}}', b="{}") == [None, None]
    client.indices.refresh(index=made)
    assert client.count(index=made)["count"] == 2


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ('{"day": "no day"}', "failed to parse field [day] of type [date]"),
        ('{"other": 1}', "strict_dynamic_mapping_exception"),
        ('{"v": {"1": 0}}', "positive normal float"),
        ('{"v": {"1": 1, "1": 2}}', "Duplicate field '1'"),
        ('{"_id": "x"}', "metadata field"),
        ('{"v": 5}', "fields must be json objects"),
    ],
)
def test_a_document_that_the_mapping_refuses_is_dead(client, made, source, reason):
    good, bad = send(client, made, a="{}", b=source)
    assert good is None
    assert bad is not None
    assert (bad.status, bad.advice) == (400, "dead")
    assert reason in bad.reason


def test_an_id_that_the_server_refuses_takes_only_itself_down(client, made):
    long = "x" * 600  # the whole request is refused for it
    good, bad, other = send(client, made, **{"a": "{}", long: "{}", "b": "{}"})
    assert (good, other) == (None, None)
    assert bad is not None
    assert "must be no longer than 512 bytes" in bad.reason


@pytest.mark.parametrize("block", ["write", "read_only"])
def test_a_blocked_index_ends_the_run(client, made, block):
    client.indices.put_settings(index=made, body={f"index.blocks.{block}": True})
    try:
        with pytest.raises(BulkError, match="403, cluster_block_exception.*Lift the block"):
            send(client, made, a="{}", b="{}")
    finally:
        client.indices.put_settings(index=made, body={f"index.blocks.{block}": None})


def test_a_full_disk_is_waited_for_then_ends_the_run(client, made):
    name = "index.blocks.read_only_allow_delete"
    client.indices.put_settings(index=made, body={name: True})
    try:
        with pytest.raises(BulkError, match="429, cluster_block_exception.*out of disk space"):
            send(client, made, a="{}", b="{}")
    finally:
        client.indices.put_settings(index=made, body={name: None})


def test_an_index_that_was_deleted_ends_the_run(client, made):
    client.indices.delete(index=made)
    client.cluster.put_settings(body={"transient": {"action.auto_create_index": "false"}})
    try:
        with pytest.raises(BulkError, match="404, index_not_found_exception.*was deleted"):
            send(client, made, a="{}")
    finally:
        client.cluster.put_settings(body={"transient": {"action.auto_create_index": None}})


def pipeline(client: OpenSearch, *processors: dict[str, object]) -> str:
    client.ingest.put_pipeline(id="bulk-test", body={"processors": list(processors)})
    return "bulk-test"


def test_a_document_that_a_pipeline_diverts_is_dead(client, made):
    name = pipeline(
        client, {"set": {"field": "_index", "value": f"{made}-dead", "if": "ctx.v == null"}}
    )  # noqa: E501
    bad, good = send(client, made, name, a="{}", b='{"v": {"1": 1}}')
    assert good is None
    assert bad is not None
    assert bad.reason == f"diverted by an ingest pipeline to the index '{made}-dead'"


def test_a_document_that_a_pipeline_drops_is_dead(client, made):
    name = pipeline(client, {"drop": {"if": "ctx.v == null"}})
    bad, good = send(client, made, name, a="{}", b='{"v": {"1": 1}}')
    assert good is None
    assert bad is not None
    assert bad.reason == "dropped by an ingest pipeline of the index"


def test_a_document_that_a_pipeline_renames_is_dead(client, made):
    [bad] = send(client, made, pipeline(client, {"set": {"field": "_id", "value": "z"}}), a="{}")
    assert bad is not None
    assert bad.reason == "stored under the id 'z' by an ingest pipeline"


def test_a_document_that_a_pipeline_fails_is_dead(client, made):
    name = pipeline(client, {"fail": {"message": "not this one", "if": "ctx.v == null"}})
    bad, good = send(client, made, name, a="{}", b='{"v": {"1": 1}}')
    assert good is None
    assert bad is not None
    assert "not this one" in bad.reason


def test_a_pipeline_that_does_not_exist_ends_the_run(client, made):
    with pytest.raises(BulkError, match="does not exist"):
        send(client, made, "no-such-pipeline", a="{}", b="{}")


def test_a_cluster_out_of_reach_ends_the_run(made):
    with (
        OpenSearch("http://127.0.0.1:9", max_retries=0) as nobody,
        pytest.raises(BulkError, match="refuses 1 of 1 documents.*does not answer"),
    ):
        send(nobody, made, a="{}")
