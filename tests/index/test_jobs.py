"""What the files of jobs tell of them."""

import json
import os
import time
from pathlib import Path

import pytest

from splare_os.documents.files import FileState
from splare_os.index import BackfillOptions, BulkOptions, IngestOptions, backfill, ingest
from splare_os.index.checkpoint import Checkpoint, Position, Scope
from splare_os.index.jobs import JobStatus, list_jobs
from splare_os.index.ledger import Identity, Ledger, Progress
from tests.hashing import HashEncoder

SOURCES = (FileState("/a.jsonl", 600, "1"), FileState("/b.jsonl", 400, "1"))
COUNTS = {"indexed": 6, "unchanged": 0, "replaced": 1, "empty": 0, "dead": 1}


def only(folder: Path) -> JobStatus:
    (job,) = list_jobs(folder)
    return job


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands until it is put forward."""
    now = [1000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def test_a_job_tells_how_far_it_is_and_how_long_the_rest_takes(tmp_path, clock):
    with Ledger.open(tmp_path / "i-abc.sqlite") as ledger:
        ledger.start(Identity("u", SOURCES, "/d.jsonl"), 0, index="i", model="mini")
        clock[0] += 4
        ledger.advance(Progress(7, COUNTS, 0, read_bytes=250))
        clock[0] += 6
        job = only(tmp_path)
    assert (job.job, job.kind, job.state, job.index, job.model) == (
        "i-abc", "index", "running", "i", "mini",
    )  # fmt: skip
    assert job.sources == ("/a.jsonl", "/b.jsonl")
    assert (job.documents, job.outcomes, job.per_s) == (8, COUNTS, 2.0)
    assert (job.done, job.left, job.eta_s, job.idle_s) == (0.25, 750, 12.0, 6.0)
    assert job.dead_letters is None
    assert only(tmp_path).state == "stopped"


def test_a_job_that_goes_on_tells_the_rate_of_its_last_run(tmp_path, clock):
    identity = Identity("u", SOURCES, "/d.jsonl")
    with Ledger.open(tmp_path / "i-abc.sqlite") as ledger:
        ledger.start(identity, 0)
        ledger.advance(Progress(7, COUNTS, 0, read_bytes=250))
    clock[0] += 1000
    with Ledger.open(tmp_path / "i-abc.sqlite") as ledger:
        assert ledger.start(identity, 0) == ""
        clock[0] += 5
        ledger.advance(Progress(9, COUNTS | {"indexed": 16}, 0, read_bytes=500))
        assert (only(tmp_path).per_s, only(tmp_path).eta_s) == (2.0, 10.0)
        ledger.finish()
    job = only(tmp_path)
    assert (job.state, job.done, job.left, job.eta_s) == ("finished", 1.0, 0, 0.0)


def test_a_backfill_tells_the_same_in_writes(tmp_path, clock):
    with Checkpoint.open(tmp_path / "i-backfill-abc.json") as checkpoint:
        checkpoint.start(Scope("u", "/d.jsonl"), 0, index="i", model="mini")
        clock[0] += 10
        checkpoint.save(Position({0: 99, 1: -1}, {0: 199, 1: 199}, {"indexed": 80}))
        job = only(tmp_path)
    assert (job.kind, job.state, job.index, job.documents) == ("backfill", "running", "i", 80)
    assert (job.per_s, job.done, job.left, job.eta_s) == (8.0, 0.25, 300, 30.0)
    with Checkpoint.open(tmp_path / "i-backfill-abc.json") as checkpoint:
        checkpoint.start(Scope("u", "/d.jsonl"), 0)
        checkpoint.save(Position({0: 199, 1: 199}, {0: 199, 1: 199}, {}, 0, is_done=True))
    assert (only(tmp_path).state, only(tmp_path).left) == ("finished", 0)


def test_of_what_has_no_size_nobody_knows_the_end(tmp_path):
    with Ledger.open(tmp_path / "i-abc.sqlite") as ledger:
        ledger.start(Identity("u", (), "/d.jsonl"), 0)
        ledger.advance(Progress(7, COUNTS))
    assert (only(tmp_path).done, only(tmp_path).left, only(tmp_path).eta_s) == (None, None, None)


def test_what_advanced_last_comes_first_and_what_is_broken_is_told(tmp_path, clock, caplog):
    for name in ("old", "new"):
        with Ledger.open(tmp_path / f"{name}.sqlite") as ledger:
            ledger.start(Identity("u", SOURCES, "/d.jsonl"), 0)
        clock[0] += 10
    (tmp_path / "torn.sqlite").write_bytes(b"SQLite no more" * 100)
    (tmp_path / "i-backfill-torn.json").write_bytes(b"{")
    (tmp_path / "my-backfill-index-0123abcd.settings.json").write_bytes(b"{}")  # of a bulk load
    assert [job.job for job in list_jobs(tmp_path)] == ["new", "old"]
    assert caplog.text.count("cannot be read") == 2
    assert list_jobs(tmp_path / "nowhere") == []


@pytest.mark.opensearch
def test_jobs_of_a_real_cluster(client, index, write, tmp_path):
    state = tmp_path / "state"
    lines = [{"_id": f"d{k}", "text": f"ants {k}"} for k in range(60)]
    source = write([*lines, b"{"], "docs.jsonl.gz")
    options = IngestOptions(index, chunk_documents=4, state_folder=state)
    outcomes = iter(ingest(client, HashEncoder(), [source], options))
    next(outcomes)
    job = only(state)
    assert (job.state, job.index, job.model, job.sources) == ("running", index, "hash", (source,))
    outcomes.close()
    assert only(state).state == "stopped"
    list(ingest(client, HashEncoder(), [source], options))
    job = only(state)
    assert (job.state, job.documents, job.outcomes["dead"], job.done) == ("finished", 61, 1, 1.0)
    assert job.dead_letters is not None
    assert json.loads(Path(job.dead_letters).read_bytes())["line"] == 61
    list(backfill(client, HashEncoder(), BackfillOptions(index, state_folder=state, share=1.0)))
    newest = list_jobs(state)[0]
    assert (newest.kind, newest.state, newest.index) == ("backfill", "finished", index)
    assert newest.outcomes["unchanged"] == 60


@pytest.mark.opensearch
def test_a_source_tells_how_much_of_it_was_read(client, index, write, tmp_path):
    source = write([{"_id": f"d{k}", "text": "ants " * 2000} for k in range(60)])
    options = IngestOptions(
        index, chunk_documents=4, bulk=BulkOptions(most_requests=1), state_folder=tmp_path / "state"
    )
    outcomes = iter(ingest(client, HashEncoder(), [source], options))
    for _ in range(20):
        next(outcomes)
    job = only(tmp_path / "state")
    assert 0.2 < (job.done or 0.0) < 1.0
    assert job.left == pytest.approx((1 - (job.done or 0.0)) * os.path.getsize(source), abs=100)
    outcomes.close()
