"""What an index says of itself: asked of a real server, and of replies that none gives."""

from dataclasses import replace
from threading import Event

import pytest
from opensearchpy import AuthorizationException, NotFoundError, TransportError

from splare_os.documents.shards import Version
from splare_os.errors import BulkError
from splare_os.index.actions import Target
from splare_os.index.bulk import BulkOptions
from splare_os.index.handle import IndexHandle
from splare_os.index.patience import Patience
from splare_os.layout import DocumentCut
from tests.index.scripted import actions, updates

pytestmark = pytest.mark.usefixtures("four_tries")


class Replies:
    """A client that gives the scripted replies in turn, the last for ever."""

    def __init__(self, *replies: object) -> None:
        self.replies = list(replies)
        self.indices = self

    def answer(self, **_: object) -> object:
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply

    get_settings = mget = bulk = answer


def settings(uuid: str = "u", index: str = "i") -> dict[str, object]:
    return {index: {"settings": {"index.uuid": uuid}}}


def handle(*replies: object) -> IndexHandle:
    target = Target("i", "text_splare", "f" * 16, DocumentCut(400))
    return IndexHandle(Replies(settings(), *replies), "i", target, Patience(), Event())


def doc(name: str, **rest: object) -> dict[str, object]:
    return {"_index": "i", "_id": name, "found": True, "_seq_no": 7, "_primary_term": 1} | rest


@pytest.mark.parametrize("bad", ["<html>", {}, {"i": {}}, TransportError(503, "busy", {})])
def test_a_bad_reply_is_asked_for_again(bad):
    handle(bad, settings()).check()
    found = {"docs": [doc("a", _source={"x": 1}), {"_index": "i", "_id": "b", "found": False}]}
    assert handle(bad, found).stored(["a", "b"]).keys() == {"a"}


def test_a_gateways_404_does_not_say_that_the_index_is_gone():
    handle(NotFoundError(404, "no such page", {}), settings()).check()
    with pytest.raises(BulkError, match="was deleted during the run"):
        handle(NotFoundError(404, "index_not_found_exception", {})).check()


@pytest.mark.parametrize("bad", ["<html>", {}, TransportError(503, "busy", {})])
def test_a_reply_that_stays_bad_ends_the_run(bad):
    with pytest.raises(BulkError, match="run the same command again"):
        handle(bad).check()
    with pytest.raises(BulkError, match="run the same command again"):
        handle(bad).versions(actions("a"))


def test_docs_that_are_not_those_asked_for_are_asked_for_again():
    asked = {"docs": [doc("a")]}
    for other in ([doc("b")], [doc("a", _index="j", _seq_no=9)]):
        assert handle({"docs": other}, asked).versions(actions("a")) == {"a": Version(7, 1)}


def test_nothing_is_asked_for_no_id():
    assert handle("<html>").stored([]) == {}


@pytest.mark.parametrize("bad", ["<html>", {"items": []}, {"items": [{}]}, {"items": 5}])
def test_a_probe_that_is_not_understood_is_a_refusal(bad):
    assert handle(bad).refusal().startswith("unreadable reply: ")


def error_of(kind: str, reason: str) -> dict[str, object]:
    return {"items": [{"update": {"status": 404, "error": {"type": kind, "reason": reason}}}]}


def test_a_probe_that_finds_no_document_is_no_refusal():
    assert handle(error_of("document_missing_exception", "…")).refusal() == ""
    reason = handle(error_of("index_closed_exception", "closed")).refusal()
    assert reason == "index_closed_exception: closed"


@pytest.fixture
def real(client, index):
    client.indices.create(index=index)
    target = Target(index, "text_splare", "f" * 16, DocumentCut(400))
    return IndexHandle(client, index, target, Patience(), Event())


@pytest.mark.opensearch
def test_documents_are_found_with_their_versions(client, index, real):
    for year in (1999, 2000):
        client.index(index=index, id="a", body={"year": year})
    found = real.stored(["a", "b"])
    assert found.keys() == {"a"}
    assert found["a"].source == {"year": 2000}
    assert found["a"].version == Version(1, 1)
    assert real.versions(actions(*"ab")) == {"a": Version(1, 1)}


@pytest.mark.opensearch
def test_a_probe_writes_nothing_and_tells_a_block(client, index, real):
    assert real.refusal() == ""
    client.indices.put_settings(index=index, body={"index.blocks.write": True})
    assert real.refusal().startswith("cluster_block_exception")
    assert client.count(index=index)["count"] == 0


@pytest.mark.opensearch
def test_an_index_is_told_from_another_of_its_name(client, index, real):
    real.check()
    client.indices.delete(index=index)
    with pytest.raises(BulkError, match="was deleted during the run"):
        real.check()
    client.indices.create(index=index)
    with pytest.raises(BulkError, match="created anew"):
        real.check()


@pytest.mark.opensearch
def test_an_alias_that_is_switched_is_noticed(client, index):
    for number in (1, 2):
        client.indices.create(index=f"{index}-{number}")
    client.indices.put_alias(index=f"{index}-1", name=index)
    target = Target(f"{index}-1", "text_splare", "f" * 16, DocumentCut(400))
    handle = IndexHandle(client, index, target, Patience(), Event())
    handle.check()
    client.indices.put_alias(index=f"{index}-2", name=index, body={"is_write_index": True})
    client.indices.delete_alias(index=f"{index}-1", name=index)
    with pytest.raises(BulkError, match=f"stands for {index}-2 now"):
        handle.check()
    client.indices.delete_alias(index=f"{index}-2", name=index)
    with pytest.raises(BulkError, match=f"alias '{index}' was taken off the index '{index}-1'"):
        handle.check()


@pytest.mark.opensearch
def test_an_index_that_is_gone_is_no_unreadable_reply(client, index):
    client.indices.create(index=index)
    target = Target(index, "text_splare", "f" * 16, DocumentCut(400))
    handle = IndexHandle(client, index, target, Patience(), Event())
    client.indices.delete(index=index)
    with pytest.raises(BulkError, match="was deleted during the run"):
        handle.stored(["a"])


@pytest.mark.opensearch
def test_a_document_of_a_routing_is_found_by_it(client, index):
    client.indices.create(index=index, body={"settings": {"number_of_shards": 5}})
    target = Target(index, "text_splare", "f" * 16, DocumentCut(400))
    handle = IndexHandle(client, index, target, Patience(), Event())
    for name in "abcdef":
        client.index(
            index=index, id=name, body={"text_splare": {"digest": "d"}}, params={"routing": "r"}
        )
    wanted = [replace(one, routing="r") for one in updates(*"abcdef")]
    digests = handle.digests(dict.fromkeys("abcdef", "r"))
    assert handle.versions(wanted).keys() == digests.keys() == set("abcdef")
    assert digests["a"] == "d"
    assert handle.digests({"nobody": None}) == {}


@pytest.mark.opensearch
def test_requests_at_once_follow_the_cores_of_the_cluster(client, index):
    client.indices.create(index=index)
    stats = client.cluster.stats()["nodes"]["os"]["allocated_processors"]
    there = IndexHandle(
        client, index, Target(index, "f", "fe", DocumentCut(1)), Patience(), Event()
    )
    assert there.with_most_requests(BulkOptions()).most_requests == min(8, max(2, stats + 1))
    assert there.with_most_requests(BulkOptions(most_requests=5)).most_requests == 5


@pytest.mark.opensearch
def test_where_nobody_may_ask_for_cores_there_are_as_many_requests_as_ever(
    client, index, monkeypatch
):
    def refused(**_: object) -> None:
        raise AuthorizationException(403, "security_exception", {})

    client.indices.create(index=index)
    there = IndexHandle(
        client, index, Target(index, "f", "fe", DocumentCut(1)), Patience(), Event()
    )
    monkeypatch.setattr(client.nodes, "info", refused)
    assert there.with_most_requests(BulkOptions()) == BulkOptions()


@pytest.mark.opensearch
def test_an_index_that_requires_a_routing_takes_writes(client, index):
    client.indices.create(index=index, body={"mappings": {"_routing": {"required": True}}})
    target = Target(index, "text_splare", "f" * 16, DocumentCut(4))
    real = IndexHandle(client, index, target, Patience(), Event())
    assert real.refusal() == ""
