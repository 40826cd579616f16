"""Reading an index in the order of its writes: of a real server, and replies that none gives."""

from collections.abc import Iterator

import pytest
from opensearchpy import AuthorizationException, OpenSearch, TransportError

from splare_os.documents.shards import NONE_YET, Shard
from splare_os.errors import BulkError
from splare_os.index import scan as module
from splare_os.index.scan import Scan
from tests.index.chaos import proxied
from tests.index.faults import first, status

pytestmark = [pytest.mark.usefixtures("four_tries")]

N_SHARDS = 3


@pytest.fixture
def made(client: OpenSearch, index: str) -> str:
    settings = {"number_of_shards": N_SHARDS, "refresh_interval": -1}
    client.indices.create(index=index, body={"settings": settings})
    return index


def put(client: OpenSearch, index: str, *names: str, **body: object) -> None:
    for name in names:
        client.index(index=index, id=name, body={"text": name} | body)


def read(scan: Scan, since: dict[int, int] | None = None) -> tuple[dict[int, int], list[str]]:
    upto = scan.checkpoints()
    found = []
    for shard, last in upto.items():
        pages = list(scan.pages(shard, (since or {}).get(shard, NONE_YET), last))
        assert not pages or pages[-1].upto == last
        found += [held.id for page in pages for held in page.documents]
    return upto, found


@pytest.mark.opensearch
@pytest.mark.parametrize("size", [1, 3, 100])
def test_every_document_is_read_once_whatever_the_page(client, made, size):
    names = [f"d{n}" for n in range(40)]
    put(client, made, *names)
    _, found = read(Scan(client, made, ["text"], size=size))
    assert sorted(found) == sorted(names)


@pytest.mark.opensearch
def test_a_second_reading_finds_what_was_written_since_and_nothing_else(client, made):
    scan = Scan(client, made, ["text"], size=2)
    put(client, made, "a", "b", "c", "d")
    since, _ = read(scan)
    assert read(scan, since)[1] == []
    put(client, made, "b", "e", new=True)
    client.delete(index=made, id="c")
    assert scan.peek() != since
    assert sorted(read(scan, since)[1]) == ["b", "e"]


@pytest.mark.opensearch
def test_what_is_written_while_it_is_read_comes_the_next_time(client, made):
    scan = Scan(client, made, ["text"], size=1)
    names = [f"d{n}" for n in range(12)]
    put(client, made, *names)
    upto = scan.checkpoints()
    found: list[str] = []
    for shard, last in upto.items():
        for page in scan.pages(shard, NONE_YET, last):
            found += [held.id for held in page.documents]
            put(client, made, *names[-2:], "late")
            client.indices.refresh(index=made)
    again = read(scan, upto)[1]
    assert {*found, *again} == {*names, "late"}
    assert "late" in again


@pytest.mark.opensearch
def test_documents_come_with_wanted_fields_version_and_routing(client, made):
    client.index(index=made, id="a", body={"text": "x", "price": 5}, params={"routing": "r"})
    client.index(index=made, id="a", body={"text": "y", "price": 6}, params={"routing": "r"})
    scan = Scan(client, made, ["text"])
    pages = [
        page for shard, last in scan.checkpoints().items() for page in scan.pages(shard, -1, last)
    ]
    [held] = [held for page in pages for held in page.documents]
    assert (held.id, held.source, held.routing, held.version.seq_no) == ("a", {"text": "y"}, "r", 1)


@pytest.mark.opensearch
def test_a_query_chooses_documents_and_rare_ones_are_found_among_many(client, made):
    lines = []
    for n in range(3000):
        lines += [{"index": {"_id": str(n)}}, {"text": "x", "lang": "en" if n % 1000 else "de"}]
    client.bulk(index=made, body=lines)
    scan = Scan(client, made, ["text"], where={"match": {"lang": "de"}}, size=10)
    assert sorted(read(scan)[1]) == ["0", "1000", "2000"]


def test_an_index_that_has_another_history_is_not_read_on(monkeypatch):
    history = ["one", "one", "other"]

    def asked(*_: object) -> list[Shard]:
        return [Shard("i", 0, history.pop(0), 7)]

    monkeypatch.setattr(module, "find_shards", asked)
    scan = Scan(Replies(), "i", [])
    assert scan.history()
    assert scan.peek() == {0: 7}
    with pytest.raises(BulkError, match="'i' was put back to an earlier state during the run"):
        scan.peek()


def test_without_the_right_to_ask_no_history_is_told_and_a_warning_is(monkeypatch, caplog):
    right = "no permissions for [indices:monitor/stats] and User [name=ada]"

    def refused(*_: object) -> list[Shard]:
        raise AuthorizationException(403, "security_exception", {"error": {"reason": right}})

    monkeypatch.setattr(module, "find_shards", refused)
    scan = Scan(Replies(), "i", [])
    assert scan.history_if_told() == ""
    assert "Grant indices:monitor/stats to a role" in caplog.text
    scan.check()  # nothing to compare with
    with pytest.raises(BulkError, match="no permissions"):
        scan.history()


@pytest.mark.parametrize("status", [400, 404, 405, 410, 501])
def test_where_statistics_are_refused_no_history_is_told(monkeypatch, caplog, status):
    def refused(*_: object) -> list[Shard]:
        raise TransportError(status, "no handler found for uri [/i/_stats]", {})

    monkeypatch.setattr(module, "find_shards", refused)
    assert Scan(Replies(), "i", []).history_if_told() == ""
    assert "it is not noticed if the index is put back" in caplog.text
    assert "no handler found" in caplog.text


def test_a_cluster_that_is_ill_is_not_taken_for_one_that_tells_no_history(monkeypatch):
    def ill(*_: object) -> list[Shard]:
        raise TransportError(503, "x", {})

    monkeypatch.setattr(module, "find_shards", ill)
    with pytest.raises(BulkError, match="does not answer"):
        Scan(Replies(), "i", []).history_if_told()


class Replies:
    """A client whose searches give the scripted replies in turn, the last for ever."""

    def __init__(self, *replies: object) -> None:
        self.replies: Iterator[object] = iter(replies)
        self.last: object = None

    def search(self, **_: object) -> object:
        self.last = next(self.replies, self.last)
        return self.last


HIT = {"_id": "a", "_seq_no": 0, "_primary_term": 1, "_source": {}}
GOOD = {"_shards": {"successful": 1}, "timed_out": False, "hits": {"hits": [HIT]}}


def test_a_shard_that_does_not_answer_is_asked_again_and_never_passed_over():
    [page] = Scan(Replies("<html>", {}, GOOD), "i", []).pages(0, -1, 0)
    assert [held.id for held in page.documents] == ["a"]
    with pytest.raises(BulkError):
        list(Scan(Replies("<html>"), "i", []).pages(0, -1, 0))


@pytest.mark.opensearch
def test_a_shard_that_moves_between_the_halves_of_a_search_is_asked_again(
    client, cluster_url, made, four_tries
):
    put(client, made, "a", "b")
    moved = first(1, status(404, "search_context_missing_exception"), ["POST _search"])
    with proxied(cluster_url, moved) as proxy, OpenSearch(proxy.url, max_retries=0) as through:
        assert sorted(read(Scan(through, made, ["text"]))[1]) == ["a", "b"]
