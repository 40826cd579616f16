"""Documents of an index, on this cluster or another: shard by shard, in the order of writes.

Every write to a shard has a sequence number, the next one: a document that changes gets a new one.
So a number is a position that outlives the run, and reading on after it finds all that is new.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from ..errors import JobError
from .document import Document, to_document
from .fields import Fields

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

SCHEMES = {"opensearch": "http", "opensearch+https": "https"}
USER, PASSWORD = "SPLARE_SOURCE_USER", "SPLARE_SOURCE_PASSWORD"
"""Variables with the credentials: what stands in a URL is told in outcomes and dead letters."""

PAGE = 500


@dataclass(frozen=True, order=True)
class _Shard:
    """A shard, the uuid of its index, and the last write before which none is on its way."""

    index: str
    number: int
    uuid: str
    checkpoint: int


def is_index(source: str) -> bool:
    """Return whether a source is an index, or a shard of one.

    >>> is_index("opensearch://localhost:9200/papers"), is_index("papers.jsonl")
    (True, False)
    """
    return source.partition("://")[0] in SCHEMES and "://" in source


def shards(source: str) -> list[str]:
    """Return the shards that an index, an alias or a pattern stands for, as sources, in order."""
    parts = urlsplit(source)
    if parts.username or parts.password:
        raise ValueError(
            f"{parts.scheme}://…@{parts.hostname}: give user and password by {USER} and {PASSWORD}"
        )
    if not parts.path.strip("/"):
        raise ValueError(f"{source}: name an index, such as {parts.scheme}://localhost:9200/papers")
    if parts.fragment:
        return [source]
    root = f"{parts.scheme}://{parts.netloc}"
    with _client(source) as client:
        return [f"{root}/{shard.index}#{shard.number}" for shard in _shards(client, source)]


def uuid(source: str) -> str | None:
    """Return what tells the index of a shard from a later one of its name; None if it is gone."""
    with _client(source) as client:
        shard = _shard(client, source)
    return shard.uuid if shard else None


def read_shard(source: str, fields: Fields, after: int) -> Iterator[Document]:
    """Yield the documents written after `after`, up to now, each with its sequence number + 1.

    Fields with impacts are left out.
    """
    with _client(source) as client:
        shard = _shard(client, source)
        if shard is None:
            raise JobError(f"{source}: no such shard; name the index alone")
        client.indices.refresh(index=shard.index)  # what was written before can be found
        excluded = _impacts_fields(client, shard.index)
        while hits := _page(client, shard, after, excluded):
            for hit in hits:
                after = hit["sort"][0] + 1
                yield _document(source, after, hit, fields)


def _page(client: "OpenSearch", shard: _Shard, after: int, excluded: list[str]) -> list[Any]:
    body = {
        "size": PAGE,
        "sort": ["_seq_no"],
        "track_total_hits": False,  # or each page would count all that remain
        "query": {"range": {"_seq_no": {"gte": after, "lte": shard.checkpoint}}},
        "_source": {"excludes": excluded},
    }
    where = {"preference": f"_shards:{shard.number}|_primary"}
    found = client.search(index=shard.index, body=body, params=where)
    return list(found["hits"]["hits"])


def _document(source: str, position: int, hit: dict[str, Any], fields: Fields) -> Document:
    if "_source" not in hit:
        reason = "the index keeps no _source: there is nothing to read"
        return Document(source, position, b"", hit["_id"], reason=reason)
    body = hit["_source"] | ({"_id": hit["_id"]} if fields.id == "_id" else {})
    return to_document(source, position, orjson.dumps(body), body, fields)


def _shard(client: "OpenSearch", source: str) -> _Shard | None:
    number = urlsplit(source).fragment
    return next((each for each in _shards(client, source) if str(each.number) == number), None)


def _shards(client: "OpenSearch", source: str) -> list[_Shard]:
    name = urlsplit(source).path.strip("/")
    told = client.indices.stats(index=name, metric="docs", params={"level": "shards"})
    found = [
        _Shard(index, int(number), stats["uuid"], copy["seq_no"]["local_checkpoint"])
        for index, stats in told["indices"].items()
        for number, copies in stats["shards"].items()
        for copy in copies
        if copy["routing"]["primary"]
    ]
    return sorted(found)


def _impacts_fields(client: "OpenSearch", index: str) -> list[str]:
    (told,) = client.indices.get_mapping(index=index).values()
    return list(told["mappings"].get("_meta", {}).get("splare", {}))


@contextmanager
def _client(source: str) -> Iterator["OpenSearch"]:
    """Yield a client; `JobError` for what the cluster refuses."""
    from opensearchpy import OpenSearch
    from opensearchpy.exceptions import OpenSearchException

    parts = urlsplit(source)
    user = os.environ.get(USER)
    login = (user, os.environ.get(PASSWORD, "")) if user else None
    url = f"{SCHEMES[parts.scheme]}://{parts.netloc}" + ("" if parts.port else ":9200")
    options: dict[str, Any] = {"timeout": 60, "retry_on_timeout": True, "http_auth": login}
    try:
        with closing(OpenSearch(url, **options)) as client:
            yield client
    except OpenSearchException as error:
        raise JobError(
            f"{source}: cannot be read: {error}. Is the index there, and may {USER} read it?"
        ) from error
