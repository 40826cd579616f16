"""Documents of an index, on this cluster or another: each of its shards is a source."""

import json
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from ..connection import find_connection, open_client
from ..errors import JobError, ReplyError
from .document import Document, parse, to_document
from .fields import Fields
from .page_size import PageSize
from .shards import Held, Shard, ShardReader, Wanted, find_shards, read_pages, refresh

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

log = logging.getLogger(__name__)

MOST_DOCUMENTS = 500
"""That are asked for at once."""

DERIVED = "index.derived_source.enabled"
SCHEMES = {"opensearch": "http", "opensearch+https": "https"}
PREFIX = "SPLARE_SOURCE_"
"""Of variables that say who reads: what is in a URL is told in outcomes and dead letters."""


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
            f"{parts.scheme}://…@{parts.hostname}: give user and password by {PREFIX}USER and "
            f"{PREFIX}PASSWORD"
        )
    if not parts.path.strip("/"):
        raise ValueError(f"{source}: name an index, such as {parts.scheme}://localhost:9200/papers")
    if parts.query:
        raise ValueError(f"{source}: an index is read whole: leave ?{parts.query} out")
    if parts.fragment:
        return [source]
    root = f"{parts.scheme}://{parts.netloc}"
    with _client(source) as client:
        found = find_shards(client, _name(source))
        _warn_of_parts(client, _name(source))
    return [f"{root}/{shard.index}#{shard.number}" for shard in found]


def history(source: str) -> str | None:
    """Return what tells a shard from an earlier state, and a later one of its name; None: gone."""
    with _client(source) as client:
        shard = _shard(client, source)
    return shard.history if shard else None


def read_shard(source: str, fields: Fields, after: int) -> Iterator[Document]:
    """Yield the documents written after `after`, up to now, each with its sequence number + 1.

    Fields with impacts are left out.
    """
    with _client(source) as client:
        shard = _shard(client, source)
        if shard is None:
            raise JobError(f"{source}: no such shard; name the index alone")
        refresh(client, shard.index)  # what was written before can be found
        wanted = Wanted({"excludes": _impacts_fields(client, shard.index)})
        size = PageSize(MOST_DOCUMENTS)
        read = ShardReader(client, shard.index, shard.number, wanted, size).read
        for _, documents in read_pages(read, size, after - 1, shard.checkpoint):
            for held in documents:
                yield _document(source, held, fields)


def _document(source: str, held: Held, fields: Fields) -> Document:
    position = held.version.seq_no + 1
    if held.source is None:
        reason = "the index keeps no _source: there is nothing to read"
        return Document(source, position, b"", held.id, reason=reason)
    body = held.source | ({"_id": held.id} if fields.id == "_id" else {})
    try:
        raw = orjson.dumps(body)
    except orjson.JSONEncodeError:  # a cluster may keep what no line of JSON may hold
        made = parse(source, position, json.dumps(body).encode(), fields)
        return replace(made, id=made.id or held.id)
    return to_document(source, position, raw, body, fields)


def _shard(client: "OpenSearch", source: str) -> Shard | None:
    number, found = urlsplit(source).fragment, find_shards(client, _name(source))
    return next((shard for shard in found if str(shard.number) == number), None)


def _name(source: str) -> str:
    return urlsplit(source).path.strip("/")


def _warn_of_parts(client: "OpenSearch", name: str) -> None:
    """Tell the log of indices whose documents cannot be read as they were written."""
    settings = client.indices.get_settings(
        index=name, name=DERIVED, params={"flat_settings": "true"}
    )
    for index, told in client.indices.get_mapping(index=name).items():
        kept = told["mappings"].get("_source", {})
        ours = {f"{field}.impacts" for field in _records(told)}
        if kept.get("includes") or set(kept.get("excludes", ())) - ours:
            log.warning(
                "index=%s keeps documents in part (_source: %s): the rest is lost", index, kept
            )
        if settings.get(index, {}).get("settings", {}).get(DERIVED) == "true":
            log.warning(
                "index=%s derives documents from its fields (%s): arrays may come sorted and "
                "without repetitions, dates and numbers in another form",
                index,
                DERIVED,
            )


def _impacts_fields(client: "OpenSearch", index: str) -> list[str]:
    (told,) = client.indices.get_mapping(index=index).values()
    return _records(told)


def _records(told: dict[str, Any]) -> list[str]:
    return list(told["mappings"].get("_meta", {}).get("splare", {}))


@contextmanager
def _client(source: str) -> Iterator["OpenSearch"]:
    """Yield a client; `JobError` for what the cluster refuses."""
    from opensearchpy.exceptions import OpenSearchException

    parts = urlsplit(source)
    url = f"{SCHEMES[parts.scheme]}://{parts.netloc}" + ("" if parts.port else ":9200")
    connection = find_connection({"url": url}, prefix=PREFIX)
    try:
        with closing(open_client(connection, max_retries=3, retry_on_timeout=True)) as client:
            yield client
    except (OpenSearchException, ReplyError) as error:
        raise JobError(
            f"{source}: cannot be read: {error}. Is the index there, and may it be read with what "
            f"{PREFIX}USER and others say (docs/connections.md)?"
        ) from error
