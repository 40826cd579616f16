"""The roles of `examples/deploy/` on a cluster that grants nothing else."""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opensearchpy import AuthorizationException, OpenSearch

from splare_os.errors import BulkError
from splare_os.index import IngestOptions, ingest, replay
from splare_os.layout.pipeline import DEAD_LETTERS
from splare_os.search import SplareOpenSearch
from splare_os.search.doctor.doctor import examine
from tests.secured.cluster import Secured, role
from tests.secured.duties import (
    ENCODER,
    ENGLISH,
    INDEX,
    LINES,
    OIL,
    SEARCHES,
    WORK,
    highlights,
    new_index,
)

pytestmark = [pytest.mark.opensearch, pytest.mark.slow]

OF_ITEMS = {f"indices:data/write/{kind}" for kind in ("index", "update", "delete")}
"""Rights that items of a bulk request take, which the audit log does not tell one by one."""


def work(worker: OpenSearch, stocked: OpenSearch, folder: Path) -> None:
    """Do all that a worker does."""
    for name, duty in WORK.items():
        duty(worker, folder)
        if name == "new_index":
            stocked.indices.put_mapping(index=INDEX, body={"properties": {"day": {"type": "date"}}})
    stocked.indices.refresh(index=f"{INDEX},splare-labels")


def granted(admin: OpenSearch, user: str) -> set[str]:
    """Return the actions that the audit log says were granted to a user."""
    of_user = {"term": {"audit_request_effective_user.keyword": user}}
    good = {"term": {"audit_category.keyword": "GRANTED_PRIVILEGES"}}
    actions = {"terms": {"field": "audit_request_privilege.keyword", "size": 1000}}
    body = {
        "size": 0,
        "query": {"bool": {"filter": [of_user, good]}},
        "aggs": {"actions": actions},
    }
    admin.indices.refresh(index="security-auditlog-*")
    found = admin.search(index="security-auditlog-*", body=body)["aggregations"]["actions"]
    return {bucket["key"] for bucket in found["buckets"]}


def rights(name: str) -> set[str]:
    found = role(name)
    of_indices = [one["allowed_actions"] for one in found["index_permissions"]]
    return set(found["cluster_permissions"]).union(*of_indices)


def test_the_roles_are_enough_and_nothing_in_them_is_idle(
    stocked: OpenSearch,
    worker: OpenSearch,
    client: SplareOpenSearch,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, logger="splare_os"):
        work(worker, stocked, folder)
        for search in SEARCHES.values():
            search(client, folder)
    assert [one.getMessage() for one in caplog.records if one.name.startswith("splare_os")] == []
    deadline = time.monotonic() + 30  # the audit log is written behind
    for name in ("worker", "client"):
        while idle := rights(name) - OF_ITEMS - granted(stocked, name):
            assert time.monotonic() < deadline, (name, idle)
            time.sleep(0.5)


def test_doctor_names_the_rights_that_it_misses(
    stocked: OpenSearch, worker: OpenSearch, client: SplareOpenSearch, folder: Path
) -> None:
    new_index(worker, folder)
    found = list(examine(client, lambda: ENCODER, INDEX))
    missed = {one.remedy.split()[1] for one in found if one.found == "it may not be looked at"}
    assert missed == {
        "cluster:monitor/state",
        "indices:monitor/settings/get",
        "indices:monitor/stats",
    }
    assert not [one for one in found if one.status == "failure"]


def documents(folder: Path) -> list[str]:
    (folder / "docs.jsonl").write_bytes(LINES)
    return [str(folder / "docs.jsonl")]


def options(folder: Path) -> IngestOptions:
    return IngestOptions(INDEX, settings=ENGLISH, state_folder=folder)


def test_a_client_that_writes_is_told_who_misses_which_right_and_what_to_do(
    stocked: OpenSearch, client: SplareOpenSearch, folder: Path
) -> None:
    begun = time.monotonic()
    run = ingest(client, ENCODER, documents(folder), options(folder))
    with pytest.raises(BulkError) as told:
        list(run)
    assert time.monotonic() - begun < 5  # once
    assert "no permissions for [indices:admin/create] and User [name=client" in str(told.value)
    assert "Grant indices:admin/create to a role of this user" in str(told.value)
    with pytest.raises(AuthorizationException, match="indices:data/write/index"):
        client.index(index=INDEX, body={"text": "oil"})
    assert not stocked.indices.exists(index=INDEX)


@pytest.fixture
def without(cluster: Secured) -> Iterator[Callable[..., None]]:
    """Take a right over some indices from the worker's role, until the test ends."""

    def take(right: str, over: str = f"{INDEX}*") -> None:
        less = role("worker")
        (there,) = [one for one in less["index_permissions"] if one["index_patterns"] == [over]]
        there["allowed_actions"].remove(right)
        cluster.put_role("worker", less)

    yield take
    cluster.put_role("worker", role("worker"))


def test_a_right_that_is_missing_ends_a_run_and_once_granted_it_goes_on(
    cluster: Secured,
    stocked: OpenSearch,
    worker: OpenSearch,
    folder: Path,
    without: Callable[..., None],
) -> None:
    without("indices:data/write/bulk[s]")
    begun = time.monotonic()
    run = ingest(worker, ENCODER, documents(folder), options(folder))
    with pytest.raises(BulkError, match=r"Grant indices:data/write/bulk\[s\] to a role") as told:
        list(run)
    assert time.monotonic() - begun < 10
    assert "Nothing is lost: run the same command again" in str(told.value)
    assert sum(run.counts.values()) == 0
    assert not [path for path in folder.glob("*.dead.jsonl") if path.read_bytes()]
    cluster.put_role("worker", role("worker"))
    run = ingest(worker, ENCODER, documents(folder), options(folder))
    assert [outcome.status for outcome in run] == ["indexed"] * 3
    stocked.indices.refresh(index=INDEX)
    assert stocked.count(index=INDEX)["count"] == 3


def test_a_bulk_load_that_was_refused_is_in_the_way_of_no_other(
    stocked: OpenSearch, worker: OpenSearch, folder: Path, without: Callable[..., None]
) -> None:
    without("indices:admin/settings/update")
    loading = IngestOptions(INDEX, settings=ENGLISH, state_folder=folder, bulk_load=True)
    with pytest.raises(BulkError, match="Grant indices:admin/settings/update"):
        list(ingest(worker, ENCODER, documents(folder), loading))
    run = ingest(worker, ENCODER, documents(folder), options(folder))
    assert [outcome.status for outcome in run] == ["indexed"] * 3
    assert not list(folder.glob("*.settings.json"))
    assert stocked.indices.exists(index=INDEX)


def test_a_merge_that_was_refused_is_told(
    stocked: OpenSearch, worker: OpenSearch, folder: Path, without: Callable[..., None]
) -> None:
    without("indices:admin/forcemerge")
    merging = IngestOptions(INDEX, settings=ENGLISH, state_folder=folder, force_merge=1)
    with pytest.raises(BulkError, match=r"all documents are in.* Grant indices:admin/forcemerge"):
        list(ingest(worker, ENCODER, documents(folder), merging))
    stocked.indices.refresh(index=INDEX)
    assert stocked.count(index=INDEX)["count"] == 3


def test_hits_that_may_be_found_and_not_read_are_told(
    cluster: Secured,
    stocked: OpenSearch,
    worker: OpenSearch,
    client: SplareOpenSearch,
    folder: Path,
) -> None:
    new_index(worker, folder)
    stocked.indices.refresh(index=INDEX)
    less = role("client")
    less["index_permissions"][0]["allowed_actions"].remove("indices:data/read/mget[shard]")
    cluster.put_role("client", less)
    try:
        assert client.search(index=INDEX, body=OIL)["hits"]["hits"]
        with pytest.raises(AuthorizationException, match=r"indices:data/read/mget\[shard\]"):
            highlights(client, folder)
    finally:
        cluster.put_role("client", role("client"))


def test_letters_that_may_not_be_removed_are_told(
    stocked: OpenSearch, worker: OpenSearch, folder: Path, without: Callable[..., None]
) -> None:
    new_index(worker, folder)
    without("indices:data/write/delete", DEAD_LETTERS)
    with pytest.raises(BulkError, match="letters stay.*Grant indices:data/write/delete"):
        list(replay(worker, INDEX))
    assert stocked.get(index=INDEX, id="7")["_source"]["text"] == "a war"
