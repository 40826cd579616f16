"""What documents come from, as a job sees it: formats, folders, and files that change."""

import csv
import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import JobError
from splare_os.index import BulkOptions, IngestOptions, IngestRun, ingest
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch

Start = Callable[..., IngestRun]

N = 60


def text(k: int) -> str:
    return f'ants, "{k}"\nand bees'


@pytest.fixture
def start(client: OpenSearch, index: str, tmp_path: Path) -> Start:
    def ingesting(*sources: object, **options) -> IngestRun:
        small = {
            "chunk_documents": 2,
            "bulk": BulkOptions(most_requests=1),
            "state_folder": tmp_path / "state",
        }
        chosen = IngestOptions(index, **small, **options)
        return ingest(client, HashEncoder(), [*map(str, sources)], chosen)

    return ingesting


def stop_early(run: IngestRun, n: int = 5) -> None:
    """Leave a run as a kill would: what is on its way is not waited for."""
    outcomes = iter(run)
    for _ in range(n):
        next(outcomes)
    outcomes.close()


def contents(client: OpenSearch, index: str) -> dict[str, object]:
    client.indices.refresh(index=index)
    hits = client.search(index=index, body={"size": 1000})["hits"]["hits"]
    return {hit["_id"]: hit["_source"]["text"] for hit in hits}


def save_csv(folder: Path) -> Path:
    """Rows of which each tenth has a cell too many."""
    with gzip.open(folder / "a.csv.gz", "wt", newline="") as file:
        rows = ([f"d{k}", text(k), "2020"] + ["more"] * (k % 10 == 9) for k in range(N))
        csv.writer(file).writerows([["_id", "text", "year"], *rows])
    return folder / "a.csv.gz"


def save_parquet(folder: Path) -> Path:
    """Rows in groups of seven, of which each tenth has bytes that JSON has not."""
    import pyarrow
    from pyarrow import parquet

    rows = {
        "_id": [f"d{k}" for k in range(N)],
        "text": [text(k) for k in range(N)],
        "raw": [b"\xff" if k % 10 == 9 else None for k in range(N)],
    }
    parquet.write_table(pyarrow.table(rows), folder / "a.parquet", row_group_size=7)
    return folder / "a.parquet"


@pytest.mark.parametrize("save", [save_csv, pytest.param(save_parquet, marks=pytest.mark.sources)])
def test_a_killed_job_goes_on_in_any_format(
    client: OpenSearch, index: str, start: Start, tmp_path: Path, save: Callable[[Path], Path]
) -> None:
    source = save(tmp_path)
    n_before = 0
    for _ in range(3):
        run = start(source)
        stop_early(run)
        assert run.n_done_before >= n_before
        n_before = sum(run.counts.values())
    run = start(source)
    assert len(list(run)) == N - n_before
    assert (run.counts["indexed"], run.counts["dead"]) == (54, 6)
    assert contents(client, index) == {f"d{k}": text(k) for k in range(N) if k % 10 != 9}
    assert run.dead_letters is not None
    assert len(run.dead_letters.read_bytes().splitlines()) == 6
    again = start(source)
    assert {outcome.status for outcome in again} == {"unchanged", "dead"}


def test_a_job_is_that_of_the_files_in_a_folder(
    client: OpenSearch, index: str, start: Start, tmp_path: Path, write: Callable[..., str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("a", "b"):
        lines = [{"_id": f"{name}{k}", "text": f"ants {k}"} for k in range(20)]
        Path(write(lines, f"data/{name}.jsonl"))
    stop_early(start(folder))
    run = start(folder / "*.jsonl")  # the same files
    assert {outcome.status for outcome in run} == {"indexed"}
    assert run.n_done_before >= 5
    write([{"_id": "c", "text": "bees"}], "data/c.jsonl")
    run = start(folder)
    assert len(list(run)) == 41
    assert (run.n_done_before, run.counts["unchanged"], run.counts["indexed"]) == (0, 40, 1)


def test_a_killed_job_goes_on_through_the_shards_of_an_index(
    client: OpenSearch, cluster_url: str, index: str, start: Start
) -> None:
    settings = {"number_of_shards": 2, "number_of_replicas": 0}
    client.indices.create(index=f"{index}-from", body={"settings": settings})
    for k in range(N):
        client.index(index=f"{index}-from", id=f"d{k}", body={"text": text(k)})
    source = cluster_url.replace("http", "opensearch") + f"/{index}-from"
    stop_early(start(source))
    client.index(
        index=f"{index}-from", id="d0", body={"text": "bees"}
    )  # and it goes on for all that
    run = start(source)
    list(run)
    assert run.n_done_before >= 5
    assert contents(client, index) == {f"d{k}": text(k) for k in range(N)} | {"d0": "bees"}


def test_a_source_that_is_written_to_during_a_run_ends_it_and_the_next_run_has_all(
    client: OpenSearch, index: str, start: Start, tmp_path: Path, write: Callable[..., str]
) -> None:
    lines = [{"_id": f"d{k}", "text": f"ants {k}"} for k in range(40)]
    source = Path(write(lines))
    outcomes = iter(start(source))
    next(outcomes)
    source.write_bytes(source.read_bytes().replace(b"ants", b"bees"))
    with pytest.raises(JobError, match="changed while it was read"):
        list(outcomes)
    run = start(source)
    assert len(list(run)) == 40
    assert run.n_done_before == 0
    assert contents(client, index) == {f"d{k}": f"bees {k}" for k in range(40)}


@pytest.mark.parametrize("hash_sources", [False, True])
def test_a_hash_notices_what_size_and_time_do_not_tell(
    index: str, start: Start, write: Callable[..., str], *, hash_sources: bool
) -> None:
    source = Path(write([{"_id": f"d{k}", "text": f"ants {k}"} for k in range(40)]))
    os.utime(source, (1, 1))
    stop_early(start(source, hash_sources=hash_sources))
    run = start(source, hash_sources=hash_sources)
    stop_early(run)
    assert run.n_done_before >= 5
    source.write_bytes(source.read_bytes().replace(b"ants", b"bees"))
    os.utime(source, (1, 1))
    run = start(source, hash_sources=hash_sources)
    stop_early(run, 1)
    assert (run.n_done_before == 0) == hash_sources
