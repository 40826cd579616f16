"""A name that stands for another index than when its job last ran, or for none; a real server's."""

import logging

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import JobError, MappingError
from splare_os.index import IngestOptions, ingest
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch

N = 40


def lines(n: int = N) -> list[dict[str, str]]:
    return [{"_id": f"d{k}", "text": f"ants n{k}"} for k in range(n)]


def run(client: OpenSearch, name: str, source: str, state, *, stopped_after: int = 0, **chosen):
    options = IngestOptions(name, state_folder=state, chunk_documents=8, **chosen)
    running = ingest(client, HashEncoder(), [source], options)
    outcomes = iter(running)
    if stopped_after:
        for _ in range(stopped_after):
            next(outcomes)
        outcomes.close()
    else:
        list(outcomes)
    return running.counts


@pytest.fixture
def alias(client: OpenSearch, index: str) -> str:
    """An alias of one index, which takes its writes."""
    aliases = {index: {"is_write_index": True}}
    client.indices.create(index=f"{index}-000001", body={"aliases": aliases})
    return index


def n_found(client: OpenSearch, name: str) -> int:
    client.indices.refresh(index=name)
    return client.count(index=name)["count"]


@pytest.mark.parametrize("stopped_after", [0, 10])
def test_after_a_rollover_no_document_is_found_twice(client, alias, write, tmp_path, stopped_after):
    source = write(lines())
    run(client, alias, source, tmp_path, stopped_after=stopped_after)
    client.indices.rollover(alias=alias)
    first = f"{alias}-000001"
    with pytest.raises(JobError, match=f"found twice. Go on with --index {first}"):
        run(client, alias, source, tmp_path)
    run(client, first, source, tmp_path)
    assert n_found(client, alias) == N
    assert run(client, alias, source, tmp_path, is_restarted=True)["indexed"] == N
    assert run(client, alias, source, tmp_path)["unchanged"] == N


def test_after_a_rollover_new_documents_go_to_the_new_index(client, alias, write, tmp_path, caplog):
    run(client, alias, write(lines()), tmp_path)
    client.indices.rollover(alias=alias)
    with caplog.at_level(logging.WARNING, "splare_os"):
        assert run(client, alias, write([{"_id": "e", "text": "bees"}]), tmp_path)["indexed"] == 1
    assert "those that come again are found twice" in caplog.text
    assert n_found(client, f"{alias}-000002") == 1


def test_an_index_that_an_alias_was_switched_to_gets_all(client, alias, write, tmp_path):
    source = write(lines())
    run(client, alias, source, tmp_path)
    client.indices.create(index=f"{alias}-new")
    actions = [
        {"remove": {"index": f"{alias}-000001", "alias": alias}},
        {"add": {"index": f"{alias}-new", "alias": alias}},
    ]
    client.indices.update_aliases(body={"actions": actions})
    assert run(client, alias, source, tmp_path)["indexed"] == N


@pytest.mark.parametrize("name", ["docs.jsonl", "others.jsonl"])
def test_no_index_is_made_in_the_place_of_an_alias_that_is_gone(
    client, alias, write, tmp_path, name
):
    first = f"{alias}-000001"
    run(client, alias, write(lines()), tmp_path)
    client.indices.delete_alias(index=first, name=alias)
    source = write(lines(), name)
    with pytest.raises(MappingError, match=f"was an alias when .*, into {first}. Put it back"):
        run(client, alias, source, tmp_path)
    assert list(client.indices.get(index=f"{alias}*")) == [first]
    assert run(client, alias, source, tmp_path, is_restarted=True)["indexed"] == N


def test_an_index_that_is_deleted_is_made_again(client, index, write, tmp_path):
    source = write(lines())
    run(client, index, source, tmp_path)
    client.indices.delete(index=index)
    (tmp_path / f"{index}-damaged.sqlite").write_bytes(b"no ledger")
    assert run(client, index, source, tmp_path)["indexed"] == N
