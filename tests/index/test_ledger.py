import multiprocessing
import sqlite3
from dataclasses import replace

import pytest

from splare_os.documents.files import FileState
from splare_os.errors import JobError
from splare_os.index.ledger import (
    Identity,
    Ledger,
    Progress,
    file_and_line,
    place,
    remove_abandoned,
)
from splare_os.lock import lock

SOURCE = FileState("/a.jsonl", 10, "7")
IDENTITY = Identity("uuid", (SOURCE,), "/dead.jsonl")
COUNTS = {"indexed": 5, "unchanged": 0, "replaced": 1, "empty": 0, "dead": 2}


def test_places_are_ordered_by_file_then_by_line():
    places = [place(0, 1), place(0, 2**39), place(1, 1), place(2, 0)]
    assert places == sorted(places)
    assert file_and_line(place(2, 7)) == (2, 7)


def advanced(path):
    with Ledger.open(path) as ledger:
        assert ledger.start(IDENTITY, 0) == "new"
        ledger.advance(Progress(place(0, 8), COUNTS, 30))


def restart(path, identity=IDENTITY, dead_bytes=30) -> tuple[str, Progress]:
    with Ledger.open(path) as ledger:
        return ledger.start(identity, dead_bytes), ledger.progress


def test_a_job_goes_on_where_it_stopped(tmp_path):
    advanced(tmp_path / "l.sqlite")
    assert restart(tmp_path / "l.sqlite") == ("", Progress(place(0, 8), COUNTS, 30))


def test_letters_beyond_the_ledger_are_no_hindrance(tmp_path):
    advanced(tmp_path / "l.sqlite")
    assert restart(tmp_path / "l.sqlite", dead_bytes=99)[0] == ""


@pytest.mark.parametrize(
    "other",
    [
        Identity("another", IDENTITY.sources, IDENTITY.dead_letters),
        Identity("uuid", (replace(SOURCE, n_bytes=11),), IDENTITY.dead_letters),
        Identity("uuid", (replace(SOURCE, stamp="8"),), IDENTITY.dead_letters),
        Identity("uuid", (replace(SOURCE, sha256="ab"),), IDENTITY.dead_letters),
        Identity("uuid", (SOURCE, SOURCE), IDENTITY.dead_letters),
        Identity("uuid", IDENTITY.sources, "/elsewhere.jsonl"),
    ],
)
def test_a_job_starts_over_when_something_changed(tmp_path, other):
    advanced(tmp_path / "l.sqlite")
    assert restart(tmp_path / "l.sqlite", other) == (
        "index, sources or dead-letter file changed",
        Progress(),
    )


def test_a_job_goes_on_where_the_history_is_told_no_more(tmp_path):
    told = replace(IDENTITY, history="h")
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        ledger.start(told, 0)
        ledger.advance(Progress(5))
    assert restart(tmp_path / "l.sqlite", IDENTITY) == ("", Progress(5))
    assert restart(tmp_path / "l.sqlite", replace(IDENTITY, history="other"))[1] == Progress()


EARLIER = '{"index_uuid": "uuid", "sources": [["/a.jsonl", 10, 7]], "dead_letters": "/d"}'
LATER = '{"index_uuid": "uuid", "sources": [], "dead_letters": "/d", "more": 1}'


@pytest.mark.parametrize("other", [EARLIER, LATER, '{"index_uuid": "uuid"}', "[]", "", "{"])
def test_a_ledger_of_another_version_starts_over(tmp_path, other):
    advanced(tmp_path / "l.sqlite")
    with sqlite3.connect(tmp_path / "l.sqlite") as database:
        database.execute("UPDATE job SET identity = ?", (other,))
    database.close()
    assert restart(tmp_path / "l.sqlite")[0] == "index, sources or dead-letter file changed"


def test_a_job_starts_over_when_its_letters_are_gone(tmp_path):
    advanced(tmp_path / "l.sqlite")
    assert restart(tmp_path / "l.sqlite", dead_bytes=29)[0] == "dead letters are gone"


def test_a_pipe_is_never_the_same(tmp_path):
    identity = Identity("uuid", (), "/dead.jsonl")
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        ledger.start(identity, 0)
        ledger.advance(Progress(5))
    assert restart(tmp_path / "l.sqlite", identity)[1] == Progress()


def test_a_finished_job_starts_over(tmp_path):
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        ledger.start(IDENTITY, 0)
        ledger.seen_before(["a"], [1])
        ledger.advance(Progress(5))
        ledger.finish()
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        assert ledger.start(IDENTITY, 0) == "finished before"
        assert ledger.seen_before(["a"], [1]) == [False]


def test_that_the_job_made_the_index_is_remembered(tmp_path):
    made = Identity("uuid", IDENTITY.sources, IDENTITY.dead_letters, created_index=True)
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        ledger.start(made, 0)
        ledger.advance(Progress(5))
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        assert ledger.start(IDENTITY, 0) == ""
        assert ledger.identity is not None
        assert ledger.identity.created_index


def test_an_id_is_seen_before_if_it_stood_at_an_earlier_place(tmp_path):
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        ledger.start(IDENTITY, 0)
        assert ledger.seen_before(["a", "b", "a"], [1, 2, 3]) == [False, False, True]
        assert ledger.seen_before(["b", "c"], [4, 5]) == [True, False]


def test_a_line_read_again_after_a_kill_has_not_seen_itself(tmp_path):
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        ledger.start(IDENTITY, 0)
        ledger.seen_before(["a", "b"], [1, 2])
        ledger.advance(Progress(1))
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        ledger.start(IDENTITY, 0)
        assert ledger.seen_before(["b", "a", "b"], [2, 3, 4]) == [False, True, True]


def test_ids_looked_at_after_the_last_advance_are_forgotten_with_it(tmp_path):
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        ledger.start(IDENTITY, 0)
        ledger.seen_before(["a"], [1])
    with sqlite3.connect(tmp_path / "l.sqlite") as database:
        assert database.execute("SELECT count(*) FROM seen").fetchone() == (0,)
    database.close()


def _hold(path, ready, done):
    with Ledger.open(path):
        ready.set()
        done.wait(20)


def test_a_job_has_one_worker(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path / "l.sqlite", ready, done))
    other.start()
    try:
        assert ready.wait(20)
        with pytest.raises(JobError, match="another worker is at this job"):
            restart(tmp_path / "l.sqlite")
    finally:
        done.set()
        other.join()
    restart(tmp_path / "l.sqlite")


def test_a_damaged_ledger_says_what_to_do(tmp_path):
    (tmp_path / "l.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(JobError, match="delete it: the job starts over"):
        restart(tmp_path / "l.sqlite")


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JobError, match="Give a folder that can be written to"):
        restart(tmp_path / "file" / "l.sqlite")


def test_the_ledger_of_a_pipe_whose_worker_died_is_removed(tmp_path):
    names = ["i-dead.pipe", "i-alive.pipe", "i-file", "oil-pipe-i-file"]
    for name in names:
        for suffix in (".sqlite", ".lock", ".sqlite-wal", ".dead.jsonl"):
            (tmp_path / f"{name}{suffix}").touch()
    with (tmp_path / "i-alive.pipe.lock").open("a") as file:
        lock(file, JobError("held"))
        remove_abandoned(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert {name for name in left if name.startswith("i-dead")} == {"i-dead.pipe.dead.jsonl"}
    assert sum(name.startswith("i-alive") for name in left) == 4
    assert sum("i-file" in name for name in left) == 8


def test_an_advance_writes_little_however_many_sources_there_are(tmp_path):
    def written(n_sources: int) -> int:
        path = tmp_path / f"{n_sources}.sqlite"
        with Ledger.open(path) as ledger:
            ledger.start(Identity("uuid", (SOURCE,) * n_sources, "/dead.jsonl"), 0)
            ledger.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            ledger.advance(Progress(place(0, 8), COUNTS, 30))
            return path.with_name(f"{path.name}-wal").stat().st_size

    assert written(10_000) == written(1)


@pytest.mark.parametrize("counts", [b"", b"null", b"[]", b"{}", b'{"indexed": null}'])
def test_counts_that_somebody_has_altered_begin_anew(tmp_path, counts):
    advanced(tmp_path / "l.sqlite")
    with sqlite3.connect(tmp_path / "l.sqlite") as database:
        database.execute("UPDATE progress SET counts = ?", (counts,))
    database.close()
    assert restart(tmp_path / "l.sqlite") == ("its counts cannot be read", Progress())
