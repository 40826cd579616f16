"""The jobs that a state folder remembers: indexing and backfills, running, stopped, finished."""

import logging
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import orjson

from ..lock import is_locked
from ..paths import StrPath
from .bulk_load import SUFFIX as SETTINGS
from .job import default_state_folder
from .life import Life

log = logging.getLogger(__name__)

Kind: TypeAlias = Literal["index", "backfill"]
State: TypeAlias = Literal["running", "stopped", "finished"]


@dataclass(frozen=True)
class JobStatus:
    """One job: what it is for, how far it is, and how fast its last run was.

    `per_s` are documents a second, `done` is the share of what is to be read, `left` the rest
    (bytes of files, or writes of an index's shards), `eta_s` the seconds that takes; None: nobody
    knows.
    `idle_s` are the seconds since the job last advanced.
    """

    job: str
    kind: Kind
    state: State
    index: str
    model: str
    sources: tuple[str, ...]
    documents: int
    outcomes: Mapping[str, int]
    per_s: float | None
    done: float | None
    left: int | None
    eta_s: float | None
    idle_s: float
    dead_letters: str | None


@dataclass(frozen=True)
class _Found:
    """What a job's file says."""

    life: Life
    is_finished: bool
    counts: Mapping[str, int]
    n_read: int
    total: int
    updated: float
    dead_letters: str
    sources: tuple[str, ...] = ()


def list_jobs(folder: StrPath | None = None) -> list[JobStatus]:
    """Return the jobs of a state folder, those that advanced last first.

    A file that cannot be read is passed over, and the log tells.
    """
    folder = Path(folder or default_state_folder())
    checkpoints = folder.glob("*-backfill-*.json")  # an index may be called so, too
    mine = (path for path in checkpoints if not path.name.endswith(SETTINGS))
    found = [one for one in map(job_status, (*folder.glob("*.sqlite"), *mine)) if one is not None]
    return sorted(found, key=lambda one: one.idle_s)


def job_status(path: Path) -> JobStatus | None:
    """Return what the file of a job says; None if there is none, or it cannot be read."""
    if not path.exists():
        return None
    kind: Kind = "index" if path.suffix == ".sqlite" else "backfill"
    try:
        found = _of_ledger(path) if kind == "index" else _of_checkpoint(path)
    except (OSError, sqlite3.Error, ValueError, KeyError, TypeError) as error:
        log.warning("job=%s cannot be read: %s", path.stem, error)
        return None
    return None if found is None else _status(path, kind, found)


def _status(path: Path, kind: Kind, found: _Found) -> JobStatus:
    is_alive = is_locked(path.with_suffix(".lock"))
    state: State = "running" if is_alive else "finished" if found.is_finished else "stopped"
    n_done, life = sum(found.counts.values()), found.life
    seconds = found.updated - life.began
    n_read = min(found.n_read, found.total)
    is_known = found.total > 0 and not (n_read == 0 and n_done)
    left = found.total - n_read if is_known else None
    speed = (n_read - life.read) / seconds if seconds > 0 else 0.0
    letters = Path(found.dead_letters)
    return JobStatus(
        path.stem,
        kind,
        state,
        life.index,
        life.model,
        found.sources,
        n_done,
        dict(found.counts),
        per_s=round((n_done - life.documents) / seconds, 1) if seconds > 0 else None,
        done=round(n_read / found.total, 4) if is_known else None,
        left=0 if found.is_finished else left,
        eta_s=0.0 if found.is_finished else _eta(left, speed),
        idle_s=max(0.0, time.time() - found.updated),
        dead_letters=found.dead_letters if letters.exists() and letters.stat().st_size else None,
    )


def _eta(left: int | None, speed: float) -> float | None:
    return None if left is None or speed <= 0 else round(left / speed, 1)


def _of_ledger(path: Path) -> _Found | None:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        row = database.execute(
            "SELECT identity, state, counts, read_bytes, life, updated FROM job, progress"
        ).fetchone()
    if row is None:
        return None
    identity, life = orjson.loads(row[0]), Life(**orjson.loads(row[4]))
    sources = tuple(source["name"] for source in identity["sources"])
    is_finished = row[1] != "running"
    n_read = life.total if is_finished else row[3]
    letters = identity["dead_letters"]
    return _Found(
        life, is_finished, orjson.loads(row[2]), n_read, life.total, row[5], letters, sources
    )


def _of_checkpoint(path: Path) -> _Found:
    body: dict[str, Any] = orjson.loads(path.read_bytes())
    position = body["position"]
    shards, first = position["shards"], position["first"]
    total = sum(upto + 1 for upto in first.values())
    n_read = sum(upto + 1 for upto in shards.values())
    life, letters = Life(**body["life"]), body["scope"]["dead_letters"]
    is_done, updated = position["is_done"], body["updated"]
    total = max(total, n_read) if is_done else total
    return _Found(life, is_done, position["counts"], n_read, total, updated, letters)
