"""Replies of a real server to what it cannot, or may not, take."""

from threading import Event

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import BulkError
from splare_os.index.actions import Action, Target
from splare_os.index.bulk import BulkOptions
from splare_os.index.handle import IndexHandle
from splare_os.index.patience import Patience
from splare_os.index.sender import Sender
from splare_os.layout import DocumentCut

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
    return [Action(index, name, source.encode()) for name, source in sources.items()]


def sender(client: OpenSearch, index: str, pipeline: str | None = None) -> Sender:
    handle = IndexHandle(
        client, index, Target(index, "v", "f" * 16, DocumentCut(400)), Patience(), Event()
    )
    return Sender(client, handle, BulkOptions(pipeline=pipeline))


def send(client: OpenSearch, index: str, pipeline: str | None = None, **sources: str):
    return sender(client, index, pipeline).send(actions(index, **sources))


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
    gone = sender(client, made)
    client.indices.delete(index=made)
    client.cluster.put_settings(body={"transient": {"action.auto_create_index": "false"}})
    try:
        with pytest.raises(BulkError, match="was deleted during the run"):
            gone.send(actions(made, a="{}"))
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


def test_a_cluster_out_of_reach_ends_the_run(client, made):
    left = sender(client, made)
    with OpenSearch("http://127.0.0.1:9", max_retries=0) as nobody:
        left.client = nobody
        with pytest.raises(BulkError, match="refuses 1 of 1 documents.*does not answer"):
            left.send(actions(made, a="{}"))


def test_a_closed_index_ends_the_run_and_no_document_is_dead(client, made):
    closed = sender(client, made)
    client.indices.close(index=made)
    try:
        with pytest.raises(BulkError, match="index_closed_exception.*takes no writes"):
            closed.send(actions(made, a="{}"))
    finally:
        client.indices.open(index=made)
    assert closed.send(actions(made, a="{}")) == [None]


def test_an_index_that_the_cluster_makes_by_itself_ends_the_run(client, made, monkeypatch):
    monkeypatch.setattr("splare_os.index.sender.SEEN_S", 60.0)  # it was seen just now
    anew = sender(client, made)
    client.indices.delete(index=made)  # the next request makes it again, of any mapping
    with pytest.raises(BulkError, match="created anew.*made it by itself.*delete it"):
        anew.send(actions(made, a="{}"))
    assert client.indices.exists(index=made)


def test_an_index_that_an_alias_of_its_name_replaces_ends_the_run(client, made):
    before = sender(client, made)
    client.indices.create(index=f"{made}-2")
    swap = [{"remove_index": {"index": made}}, {"add": {"index": f"{made}-2", "alias": made}}]
    client.indices.update_aliases(body={"actions": swap})
    with pytest.raises(BulkError, match=f"'{made}' stands for {made}-2 now"):
        before.send(actions(made, a="{}"))


def test_a_late_request_does_not_undo_a_newer_one(client, made):
    one = sender(client, made)
    assert one.send(actions(made, a='{"day": "2001-01-01"}')) == [None]
    late = b"".join(action.lines for action in actions(made, a='{"day": "2001-01-01"}'))
    assert one.send(actions(made, a='{"day": "2002-02-02"}')) == [None]
    reply = client.bulk(body=late)
    assert reply["items"][0]["create"]["status"] == 409
    assert client.get(index=made, id="a")["_source"] == {"day": "2002-02-02"}
