from dataclasses import replace
from pathlib import Path

import pytest

from splare_os.errors import JobError
from splare_os.index.checkpoint import Checkpoint, Position, Scope, Sent

SCOPE = Scope("uuid", "dead.jsonl")
SOME = Position(
    {0: 7, 1: -1},
    {0: 9, 1: 3},
    {"indexed": 4},
    120,
    {"a": Sent("d", "indexed"), "b": Sent("e", "empty")},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs" / "job.json"


def saved(path: Path, position: Position) -> None:
    with Checkpoint.open(path) as checkpoint:
        checkpoint.start(SCOPE, 0)
        checkpoint.save(position)


def started(path: Path, scope: Scope = SCOPE, dead_bytes: int = 120) -> Position:
    with Checkpoint.open(path) as checkpoint:
        checkpoint.start(scope, dead_bytes)
        return checkpoint.position


def test_a_job_goes_on_where_it_stopped(path):
    assert started(path) == Position()
    saved(path, SOME)
    assert started(path) == SOME


def test_one_that_was_done_begins_where_it_ended(path):
    saved(path, Position(SOME.shards, SOME.first, SOME.counts, 120, is_done=True))
    assert started(path, dead_bytes=0) == Position(SOME.shards)


def test_what_has_landed_is_on_its_way_no_more():
    landed = SOME.landed(1, 2, {"a", "other"})
    assert (landed.shards, landed.sent) == ({0: 7, 1: 2}, {"b": Sent("e", "empty")})


def test_another_index_starts_over(path):
    saved(path, SOME)
    assert started(path, Scope("other", "dead.jsonl")) == Position()


def test_an_index_that_was_put_back_to_an_earlier_state_starts_over(path):
    saved(path, replace(SOME, is_done=True))
    assert started(path, replace(SCOPE, history="other")) == Position()


def test_dead_letters_that_are_gone_start_it_over(path):
    saved(path, SOME)
    assert started(path, dead_bytes=119) == Position()


def test_what_is_forgotten_starts_over(path):
    saved(path, SOME)
    with Checkpoint.open(path) as checkpoint:
        checkpoint.forget()
        checkpoint.start(SCOPE, 120)
        assert checkpoint.position == Position()


def test_a_job_has_one_owner(path):
    with (
        Checkpoint.open(path),
        pytest.raises(JobError, match="another backfill"),
        Checkpoint.open(path),
    ):
        pass


@pytest.mark.parametrize("content", [b"", b"{}", b'{"scope": 1, "position": {}}', b"[]"])
def test_a_file_that_is_none_is_told(path, content):
    saved(path, SOME)
    path.write_bytes(content)
    with pytest.raises(JobError, match="Delete it"):
        started(path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(JobError, match="give another state folder"):
        saved(tmp_path / "file" / "job.json", SOME)
