"""Shards of a real index, windows counted by hand, and replies that no server gives."""

from types import SimpleNamespace

import pytest
from opensearchpy import ConnectionError, OpenSearch

from splare_os.documents.page_size import PageSize
from splare_os.documents.shards import (
    NONE_YET,
    Held,
    Shard,
    ShardReader,
    Version,
    Wanted,
    find_shards,
    read_pages,
    refresh,
)
from splare_os.errors import ReplyError


def of_two() -> PageSize:
    """A size that has grown to all that it may be."""
    size = PageSize(2)
    assert size.is_full(["a"])
    return size


def test_windows_narrow_where_writes_are_wanted_and_widen_where_none_are():
    asked = []

    def read(after: int, upto: int) -> list[Held]:
        asked.append((after, upto))
        there = [n for n in (0, 1, 2, 30) if after < n <= upto]
        return [Held(str(n), Version(n, 1), {}) for n in there[:2]]

    found = list(read_pages(read, of_two(), -1, 40))
    pages = [(upto, [held.id for held in page]) for upto, page in found]
    assert asked == [(-1, 1), (1, 3), (3, 7), (7, 15), (15, 31), (31, 40)]
    assert pages == [(1, ["0", "1"]), (3, ["2"]), (31, ["30"]), (40, [])]


def test_a_full_page_is_followed_by_what_is_behind_its_last_document():
    writes = range(5)

    def read(after: int, upto: int) -> list[Held]:
        return [Held(str(n), Version(n, 1), {}) for n in writes if after < n <= upto][:2]

    pages = [(upto, len(found)) for upto, found in read_pages(read, of_two(), NONE_YET, 4)]
    assert pages == [(1, 2), (3, 2), (4, 1)]
    assert not list(read_pages(read, of_two(), 4, 4))


def test_a_page_that_fails_is_smaller_the_next_time():
    def search(**_: object) -> object:
        raise ConnectionError("N/A", "reset", OSError())

    size = of_two()
    with pytest.raises(ConnectionError):
        ShardReader(SimpleNamespace(search=search), "i", 0, Wanted(), size).read(-1, 0)
    assert size.now == 1


@pytest.mark.opensearch
def test_no_page_has_more_than_a_server_holds_with_ease(client: OpenSearch, index: str):
    body = {"properties": {"text": {"type": "text", "index": False}}}
    client.indices.create(index=index, body={"mappings": body})
    n_mb = [0, 3, 3, 3, 3, 0, 0]
    for n in n_mb:
        client.index(index=index, body={"text": "ants " * (n * 2**20 // 5)})
    refresh(client, index)
    size = PageSize(64)
    reader = ShardReader(client, index, 0, Wanted(), size)
    pages = [
        [len(str(held.source)) // 2**20 for held in page]
        for _, page in read_pages(reader.read, size, NONE_YET, len(n_mb) - 1)
    ]
    assert pages == [[0], [3, 3], [3, 3], [0, 0]]


HIT = {"_id": "a", "_seq_no": 0, "_primary_term": 1, "_source": {}}
GOOD = {"_shards": {"successful": 1}, "timed_out": False, "hits": {"hits": [HIT]}}
BAD = [
    "<html>",
    {},
    GOOD | {"_shards": {"successful": 0, "failed": 0}},
    GOOD | {"timed_out": True},
    GOOD | {"hits": {"hits": [{"_id": "a"}]}},
]


def answering(reply: object) -> ShardReader:
    client = SimpleNamespace(search=lambda **_: reply)
    return ShardReader(client, "i", 0, Wanted(), PageSize(64))


def test_a_page_is_what_a_shard_answers():
    assert answering(GOOD).read(-1, 0) == [Held("a", Version(0, 1), {})]


@pytest.mark.parametrize("bad", BAD)
def test_a_shard_that_does_not_answer_is_never_an_empty_page(bad):
    with pytest.raises(ReplyError):
        answering(bad).read(-1, 0)


def copy(*, primary: bool, checkpoint: int, **more: object) -> dict[str, object]:
    numbers = {"global_checkpoint": checkpoint}
    return {"routing": {"primary": primary}, "seq_no": numbers, **more}


def holding(shards: dict[str, object], n_shards: str = "2") -> SimpleNamespace:
    stats = {"indices": {"i": {"uuid": "u", "shards": shards}}}
    settings = {"i": {"settings": {"index.number_of_shards": n_shards}}}
    return SimpleNamespace(
        indices=SimpleNamespace(
            stats=lambda **_: stats,
            get_settings=lambda **_: settings,
            refresh=lambda **_: {"_shards": {"total": 2, "successful": 1, "failed": 1}},
        )
    )


def test_a_shard_is_read_up_to_the_checkpoint_of_its_primary():
    shards = {
        "0": [copy(primary=False, checkpoint=3), copy(primary=True, checkpoint=4)],
        "1": [
            copy(primary=True, checkpoint=-1, commit={"user_data": {"history_uuid": "h"}}),
        ],
    }
    assert find_shards(holding(shards), "i") == [Shard("i", 0, "u", 4), Shard("i", 1, "h", -1)]


@pytest.mark.parametrize("shards", [{}, {"1": [copy(primary=True, checkpoint=1)]}])
def test_an_index_of_which_a_shard_is_missing_is_not_read_in_part(shards):
    with pytest.raises(ReplyError, match="index 'i': of its 2 shards only"):
        find_shards(holding(shards), "i")


NULL = {"i": {"settings": {"index.number_of_shards": None}}}


@pytest.mark.parametrize("odd", [None, {}, [], {"i": {}}, {"i": {"settings": {}}}, NULL])
@pytest.mark.parametrize("request_", ["stats", "get_settings"])
def test_a_reply_that_tells_no_shards_is_never_an_index_without_any(request_, odd):
    client = holding({"0": [copy(primary=True, checkpoint=1)]}, "1")
    reply = {"indices": odd} if request_ == "stats" and odd != {} else odd
    setattr(client.indices, request_, lambda **_: reply)
    with pytest.raises(ReplyError):
        find_shards(client, "i")


def test_a_refresh_in_part_is_told():
    with pytest.raises(ReplyError, match="index 'i' is refreshed in part"):
        refresh(holding({}), "i")


@pytest.mark.opensearch
def test_a_name_stands_for_the_shards_of_all_its_indices(client: OpenSearch, index: str):
    for n in (1, 2):
        settings = {"number_of_shards": n, "number_of_replicas": 0}
        client.indices.create(index=f"{index}-{n}", body={"settings": settings})
    client.index(index=f"{index}-1", id="a", body={}, refresh=True)
    found = find_shards(client, f"{index}-*")
    assert [(shard.index, shard.number, shard.checkpoint) for shard in found] == [
        (f"{index}-1", 0, 0),
        (f"{index}-2", 0, -1),
        (f"{index}-2", 1, -1),
    ]
