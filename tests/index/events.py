"""What somebody may do to an index while it is written to, and what it takes to go on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from opensearchpy import OpenSearch

from tests.index.proxy import Exchange, Fault, Request, Rule, passed

Deed: TypeAlias = Callable[[OpenSearch, str], object]

MAPPINGS = {"properties": {"content": {"type": "text"}}}
"""Of an index that somebody else makes: it refuses what ours would."""


def nothing(client: OpenSearch, index: str) -> None:
    """Do nothing: the same command is enough."""


def close(client: OpenSearch, index: str) -> None:
    client.indices.close(index=index)


def reopen(client: OpenSearch, index: str) -> None:
    client.indices.open(index=index)


def close_and_reopen(client: OpenSearch, index: str) -> None:
    close(client, index)
    reopen(client, index)


def delete(client: OpenSearch, index: str) -> None:
    client.indices.delete(index=index, params={"ignore_unavailable": "true"})


def delete_all(client: OpenSearch, index: str) -> None:
    """Delete what a name stands for, too."""
    delete(client, f"{index}*")


def delete_for_good(client: OpenSearch, index: str) -> None:
    """Delete an index in a cluster that makes none by itself."""
    client.cluster.put_settings(body={"persistent": {"action.auto_create_index": "false"}})
    delete(client, index)


def allow_creation(client: OpenSearch, index: str) -> None:  # noqa: ARG001
    client.cluster.put_settings(body={"persistent": {"action.auto_create_index": None}})


def delete_where_none_can_be_made(client: OpenSearch, index: str) -> None:
    """Delete an index in a cluster that has as many shards as it may."""
    client.cluster.put_settings(body={"persistent": {"cluster.max_shards_per_node": 1}})
    delete(client, index)


def allow_shards(client: OpenSearch, index: str) -> None:  # noqa: ARG001
    client.cluster.put_settings(body={"persistent": {"cluster.max_shards_per_node": None}})


def make_anew(client: OpenSearch, index: str) -> None:
    delete(client, index)
    client.indices.create(index=index, body={"mappings": MAPPINGS})


def replace_by_alias(client: OpenSearch, index: str) -> None:
    delete(client, index)
    client.indices.create(
        index=f"{index}-behind", body={"mappings": MAPPINGS, "aliases": {index: {}}}
    )


def switch_alias(client: OpenSearch, index: str) -> None:
    """Let an alias stand for another index, or a name become one."""
    behind = f"{index}-new"
    client.indices.create(index=behind, body={"mappings": MAPPINGS})
    if client.indices.exists_alias(name=index):
        (now,) = client.indices.get_alias(name=index)
        moves = [{"remove": {"index": now, "alias": index}}]
    else:
        moves = [{"remove_index": {"index": index}}]
    added = {"add": {"index": behind, "alias": index}}
    client.indices.update_aliases(body={"actions": [*moves, added]})


def block(name: str) -> Deed:
    return lambda client, index: client.indices.put_settings(
        index=index, body={f"index.blocks.{name}": True}
    )


def free(name: str) -> Deed:
    return lambda client, index: client.indices.put_settings(
        index=index, body={f"index.blocks.{name}": None}
    )


def block_and_free(client: OpenSearch, index: str) -> None:
    block("write")(client, index)
    free("write")(client, index)


@dataclass(frozen=True)
class Event:
    """A deed in mid-run, and the remedy that the error names, if the job has one.

    `if_mapped`: what to do if documents that were on their way have given an index a mapping.
    """

    deed: Deed
    remedy: Deed = nothing
    if_mapped: Deed = delete_all


EVENTS = {
    "closed": Event(close, reopen),
    "closed and reopened": Event(close_and_reopen),
    "deleted, and made by the cluster": Event(delete),
    "deleted for good": Event(delete_for_good, allow_creation),
    "deleted, and out of shards": Event(delete_where_none_can_be_made, allow_shards),
    "made anew by somebody": Event(make_anew),
    "replaced by an alias": Event(replace_by_alias),
    "replaced by an alias at once": Event(switch_alias),
    "blocked": Event(block("write"), free("write")),
    "full": Event(block("read_only_allow_delete"), free("read_only_allow_delete")),
    "blocked and freed": Event(block_and_free),
}


def at_bulk(number: int, deed: Callable[[], object], *, is_after: bool) -> Rule:
    """Return a rule: something is done before a bulk request is forwarded, or after."""

    def do(exchange: Exchange) -> None:
        if is_after:
            reply = exchange.forward()
            deed()
            exchange.answer(reply)
        else:
            deed()
            passed(exchange)

    def rule(request: Request) -> Fault:
        return do if request.kind == "POST _bulk" and request.number == number else passed

    return rule
