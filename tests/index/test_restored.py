"""Jobs of an index that is put back to an earlier state by a snapshot, in its place."""

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from opensearchpy import OpenSearch

from splare_os.cluster import EmbeddedCluster
from splare_os.cluster.home import locate, temporary
from splare_os.errors import BulkError
from splare_os.index import BackfillOptions, BulkOptions, IngestOptions, backfill, ingest
from splare_os.index.backfill import BackfillRun
from splare_os.index.ingest import IngestRun
from tests.hashing import HashEncoder

pytestmark = [pytest.mark.opensearch, pytest.mark.slow]

N = 64

Run = Callable[[], "IngestRun | BackfillRun"]


@pytest.fixture(scope="module")
def own() -> Iterator[OpenSearch]:
    """A cluster with a place for snapshots."""
    account = locate().account
    folder = temporary(account)
    if account:
        os.chown(folder, account.uid, account.gid)
    settings, fast = {"path.repo": str(folder)}, ["-XX:TieredStopAtLevel=1"]
    with (
        EmbeddedCluster(heap_mb=512, settings=settings, jvm_options=fast) as url,
        OpenSearch(url, timeout=60) as client,
    ):
        repository = {"type": "fs", "settings": {"location": str(folder)}}
        client.snapshot.create_repository(repository="kept", body=repository)
        yield client
    shutil.rmtree(folder)


@pytest.fixture(params=["index", "backfill"])
def job(request, own, tmp_path, write) -> Iterator[Run]:
    """A job that gives `N` documents of the index `papers` their impacts, a few at a time."""
    documents = [{"_id": str(n), "text": f"ants {n}"} for n in range(N)]
    small = {"bulk": BulkOptions(most_requests=1), "state_folder": tmp_path / "state"}
    if request.param == "index":
        options = IngestOptions("papers", chunk_documents=8, **small)
        source = write(documents)
        yield lambda: ingest(own, HashEncoder(), [source], options)
    else:
        for one in documents:
            own.index(index="papers", id=one["_id"], body={"text": one["text"]})
        settings = BackfillOptions("papers", page_documents=8, share=1.0, **small)
        yield lambda: backfill(own, HashEncoder(), settings)
    own.indices.delete(index="papers")
    own.snapshot.delete(repository="kept", snapshot="early")


def keep(client: OpenSearch) -> None:
    asked = {"body": {"indices": "papers"}, "params": {"wait_for_completion": "true"}}
    client.snapshot.create(repository="kept", snapshot="early", **asked)


def put_back(client: OpenSearch) -> None:
    client.indices.close(index="papers")
    asked = {"body": {"indices": "papers"}, "params": {"wait_for_completion": "true"}}
    client.snapshot.restore(repository="kept", snapshot="early", **asked)


def check_whole(client: OpenSearch) -> None:
    client.indices.refresh(index="papers")
    with_impacts = {"query": {"exists": {"field": "text_splare.latents"}}}
    assert client.count(index="papers", body=with_impacts)["count"] == N


def test_a_job_that_was_stopped_starts_over(own, job):
    outcomes = iter(job())
    list(islice(outcomes, 8))
    keep(own)
    list(islice(outcomes, N // 2))
    outcomes.close()
    put_back(own)
    assert sum(one.status != "dead" for one in job()) >= N
    check_whole(own)


def test_a_job_that_is_under_way_ends_and_starts_over(own, job):
    outcomes = iter(job())
    list(islice(outcomes, 8))
    keep(own)
    list(islice(outcomes, N // 2))
    put_back(own)
    with pytest.raises(BulkError, match="put back to an earlier state during the run"):
        list(outcomes)
    list(job())
    check_whole(own)
