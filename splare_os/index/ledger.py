"""The ledger of one job on disk: how far it is, and which ids it has seen. SQLite.

It is right when the cluster is not: it advances only over documents that are done, each time by
one durable transaction, and a job's dead letters are on disk before it says so.
"""

import hashlib
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self, TypeAlias

import orjson

from ..documents.files import FileState
from ..errors import JobError
from ..lock import lock
from .life import Life

Status: TypeAlias = Literal["indexed", "unchanged", "replaced", "empty", "dead"]
STATUSES: tuple[Status, ...] = ("indexed", "unchanged", "replaced", "empty", "dead")

LINE_BITS = 40

PIPE = ".pipe"
"""Ends the name of a job whose source is a pipe, behind its key, where no index can say so too:
none of them is taken up again."""

VERSION = 3
"""Of the schema; a ledger of another one is begun anew."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS job (one INTEGER PRIMARY KEY CHECK (one = 1), identity BLOB NOT NULL,
    life BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), state TEXT NOT NULL,
    place INTEGER NOT NULL, counts BLOB NOT NULL, dead_bytes INTEGER NOT NULL,
    read_bytes INTEGER NOT NULL, updated REAL NOT NULL);
CREATE TABLE IF NOT EXISTS seen (id INTEGER PRIMARY KEY, place INTEGER NOT NULL);
"""
"""What an advance writes is small, however many sources there are."""


def place(file: int, line: int) -> int:
    """Return the position of a line among all sources, in the order in which they are read.

    >>> place(0, 7) < place(0, 8) < place(1, 1)
    True
    """
    return file << LINE_BITS | line


def file_and_line(at: int) -> tuple[int, int]:
    """Return the file's number and the line of a place.

    >>> file_and_line(place(3, 14))
    (3, 14)
    """
    return at >> LINE_BITS, at & ((1 << LINE_BITS) - 1)


@dataclass(frozen=True)
class Identity:
    """What has to be the same for a job to go on where it stopped, instead of from the start."""

    index_uuid: str
    sources: tuple[FileState, ...]
    """Empty: there is a pipe among them, never the same."""
    dead_letters: str
    created_index: bool = field(default=False, compare=False)
    """The job made the index: nothing in it can be unchanged."""
    history: str = ""
    """Of the index's writes; earlier versions did not note it."""


@dataclass(frozen=True)
class Progress:
    """How far a job is: all documents up to `place` are done, with these outcomes.

    `read_bytes` of the sources were read by then, as they lie on the disk.
    """

    place: int = 0
    counts: Mapping[Status, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    dead_bytes: int = 0
    read_bytes: int = 0


class Ledger:
    """The job's file, held open and locked; one thread."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self.path, self.database = path, database
        self.progress = Progress()
        self.identity: Identity | None = None
        self.life = Life()

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """Yield the ledger at `path`, locked; `JobError` if another worker holds the job."""
        with _locked(path), _errors(path):
            database = sqlite3.connect(path, isolation_level=None)
            try:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = FULL")
                _drop_other_versions(database)
                database.executescript(SCHEMA)
                yield cls(path, database)
            finally:
                database.close()

    def start(
        self, identity: Identity, dead_bytes_on_disk: int, *, index: str = "", model: str = ""
    ) -> str:
        """Take up the job where it stopped, or from the start; return why from the start, or "".

        `dead_bytes_on_disk` is the length of the dead-letter file: it may have grown since the
        last advance, and be shorter only if somebody has taken it away. `index` and `model` are
        told to who lists jobs.
        """
        reason = self._read(identity, dead_bytes_on_disk)
        self._begin()
        if reason:
            self.identity, self.progress = identity, Progress()
            self.database.execute("DELETE FROM seen")
        n_done, n_read = sum(self.progress.counts.values()), self.progress.read_bytes
        total = sum(source.n_bytes for source in identity.sources)
        self.life = Life(index, model, time.time(), n_done, n_read, total)
        made, life = orjson.dumps(self.identity), orjson.dumps(self.life)
        self.database.execute("INSERT OR REPLACE INTO job VALUES (1, ?, ?)", (made, life))
        self._write("running")
        return reason

    def known(self) -> Identity | None:
        """Return what the job was when it began last; None if it never did."""
        row = self.database.execute("SELECT identity FROM job").fetchone()
        return _identity(row[0]) if row else None

    def forget(self) -> None:
        """Begin anew: what is known of an earlier run is not read."""
        self._begin()
        self.database.execute("DELETE FROM job")

    def _read(self, identity: Identity, dead_bytes_on_disk: int) -> str:
        row = self.database.execute(
            "SELECT identity, state, place, counts, dead_bytes, read_bytes FROM job, progress"
        ).fetchone()
        if row is None:
            return "new"
        known = _identity(row[0])
        if row[1] != "running":
            return "finished before"
        if known and not identity.history:  # it was told then, and is refused now
            identity = replace(identity, history=known.history)
        if not identity.sources or identity != known:
            return "index, sources or dead-letter file changed"
        if dead_bytes_on_disk < row[4]:
            return "dead letters are gone"
        if (counts := _counts(row[3])) is None:
            return "its counts cannot be read"
        self.identity, self.progress = known, Progress(row[2], counts, row[4], row[5])
        return ""

    def seen_before(self, ids: Sequence[str], places: Sequence[int]) -> list[bool]:
        """Return for each id, at its place, whether it stood at an earlier one; note them all."""
        keys = [id_key(name) for name in ids]
        self._begin()
        n_new = self.database.executemany(
            "INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING",
            zip(keys, places, strict=True),
        ).rowcount
        if n_new == len(keys):
            return [False] * len(keys)
        first = [
            self.database.execute("SELECT place FROM seen WHERE id = ?", (key,)).fetchone()[0]
            for key in keys
        ]
        return [noted < at for noted, at in zip(first, places, strict=True)]

    def advance(self, progress: Progress) -> None:
        """Make it durable that all documents up to `progress.place` are done."""
        self.progress = progress
        self._write("running")

    def finish(self) -> None:
        """Close the job: the next run starts over. Seen ids are dropped, the file shrinks."""
        self._begin()
        self.database.execute("DROP TABLE seen")
        self._write("done")
        self.database.execute("VACUUM")

    def _begin(self) -> None:
        if not self.database.in_transaction:
            self.database.execute("BEGIN")

    def _write(self, state: str) -> None:
        self._begin()
        at, counts = self.progress, orjson.dumps(self.progress.counts)
        self.database.execute(
            "INSERT OR REPLACE INTO progress VALUES (1, ?, ?, ?, ?, ?, ?)",
            (state, at.place, counts, at.dead_bytes, at.read_bytes, time.time()),
        )
        self.database.execute("COMMIT")


def _drop_other_versions(database: sqlite3.Connection) -> None:
    if database.execute("PRAGMA user_version").fetchone()[0] != VERSION:
        for table in ("job", "progress", "seen"):
            database.execute(f"DROP TABLE IF EXISTS {table}")
        database.execute(f"PRAGMA user_version = {VERSION}")


def remove_abandoned(folder: Path) -> None:
    """Remove the ledgers of jobs from pipes whose worker was killed; their dead letters stay."""
    for path in folder.glob(f"*{PIPE}.lock"):
        with suppress(OSError, JobError), path.open("a") as file:
            lock(file, JobError("its worker lives"))
            remove_ledger(path.with_suffix(".sqlite"))


def remove_ledger(path: Path) -> None:
    """Remove what is on disk of a ledger."""
    for name in (path, *(Path(f"{path}{suffix}") for suffix in ("-wal", "-shm", "-journal"))):
        name.unlink(missing_ok=True)
    path.with_suffix(".lock").unlink(missing_ok=True)


def _identity(stored: bytes) -> Identity | None:
    """Return what a ledger holds; None if another version wrote it."""
    try:
        record = orjson.loads(stored)
        sources = tuple(FileState(**state) for state in record.pop("sources"))
        return Identity(sources=sources, **record)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _counts(stored: bytes) -> dict[Status, int] | None:
    """Return the outcomes that a ledger holds; None if somebody else has written them."""
    try:
        found = orjson.loads(stored)
        return {status: int(found[status]) for status in STATUSES}
    except (LookupError, TypeError, ValueError):
        return None


def id_key(name: str) -> int:
    """Return 64 bits of a hash, signed as SQLite's integers are.

    Two of 10**8 ids meet with a chance of 3 in 10,000, and then one is called `replaced`.
    """
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the job: the lock goes with the process, however it ends."""
    busy = JobError(f"another worker is at this job ({path}): let it finish, or stop it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.with_suffix(".lock").open("a")
    except OSError as error:
        raise JobError(f"ledger {path}: {error}. Give a folder that can be written to") from error
    with file:
        lock(file, busy)
        yield


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise JobError(
            f"ledger {path}: {error}. Free disk space if it is full; if the file is damaged, "
            "delete it: the job starts over, and skips what is unchanged"
        ) from error
