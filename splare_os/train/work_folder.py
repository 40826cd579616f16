"""The folder that a training works in: one training at a time, and nothing of anyone else's."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import TrainingError

LOCK = "lock"


@contextmanager
def locked(work: Path, ours: Sequence[str]) -> Iterator[None]:
    """Make the folder `work` this training's alone, made if it is not there.

    `ours` are the patterns of names that trainings leave there; if none is left at the end, the
    folder is removed. `ValueError` if it holds anything else, `TrainingError` if another process
    works there.
    """
    require_ours(work, ours)
    work.mkdir(parents=True, exist_ok=True)
    with (work / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise TrainingError(
                f"{work} is in use by another training: wait for it, or give another work folder"
            ) from error
        try:
            yield
        finally:
            if work.exists() and {*work.iterdir()} == {work / LOCK}:
                clear(work, ours)


def require_ours(work: Path, ours: Sequence[str]) -> None:
    """Refuse a folder that holds what no training has left there."""
    if work.exists() and (foreign := {*work.iterdir()} - _found(work, ours)):
        name = min(foreign).name
        raise ValueError(f"{work} holds something else ({name}): give a new folder to work in")


def clear(work: Path, ours: Sequence[str]) -> None:
    """Remove what is ours in `work`, and the folder if nothing else is in it."""
    for path in _found(work, ours):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    if not any(work.iterdir()):
        work.rmdir()


def last_checkpoint(work: Path) -> Path | None:
    """Return the last checkpoint of transformers' Trainer that was written to its end."""
    states = work.glob("checkpoint-*/trainer_state.json")  # the Trainer writes it last
    steps = {int(state.parent.name.partition("-")[2]): state.parent for state in states}
    return steps[max(steps)] if steps else None


def beside(folder: Path, suffix: str) -> Path:
    """Return the path next to `folder` whose name ends with `suffix`."""
    return folder.with_name(folder.name + suffix)


def _found(work: Path, ours: Sequence[str]) -> set[Path]:
    return {path for pattern in (*ours, LOCK) for path in work.glob(pattern)}
