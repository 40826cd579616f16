"""The folder that a training works in: one training at a time, and nothing of anyone else's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import TrainingError
from ..lock import lock
from ..paths import StrPath

LOCK = "lock"
OPTIONS = "options.json"
CLAIM = (OPTIONS, f"{OPTIONS}.part")
"""What `claim` leaves in a folder."""


@contextmanager
def locked(work: Path, ours: Sequence[str]) -> Iterator[None]:
    """Make the folder `work` this training's alone, made if it is not there.

    `ours` are the patterns of names that trainings leave there; if none is left at the end, the
    folder is removed. `ValueError` if it holds anything else, `TrainingError` if another process
    works there.
    """
    require_ours(work, ours)
    work.mkdir(parents=True, exist_ok=True)
    with (work / LOCK).open("w") as file:
        busy = f"{work} is in use by another training: wait for it, or give another work folder"
        lock(file, TrainingError(busy))
        try:
            yield
        finally:
            if work.exists() and {*work.iterdir()} == {work / LOCK}:
                clear(work, ours)


def require_ours(work: Path, ours: Sequence[str]) -> None:
    """Refuse a file, and a folder that holds what no training has left there."""
    if work.exists() and not work.is_dir():
        raise ValueError(f"{work} is a file: give a folder to work in")
    if work.exists() and (foreign := {*work.iterdir()} - _found(work, ours)):
        name = min(foreign).name
        raise ValueError(f"{work} holds something else ({name}): give a new folder to work in")


def claim(folder: Path, options: Mapping[str, object]) -> None:
    """Note the options that what is in `folder` is made with; refuse others than are noted."""
    require_same(folder, options)
    path = folder / OPTIONS
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{OPTIONS}.part")
        part.write_text(json.dumps(options, default=str, indent=2), encoding="utf-8")
        part.replace(path)


def require_same(folder: Path, options: Mapping[str, object]) -> None:
    """Refuse other options than those that `folder` was claimed with."""
    if not (folder / OPTIONS).exists():
        return
    asked = json.loads(json.dumps(options, default=str))
    noted = json.loads((folder / OPTIONS).read_text(encoding="utf-8"))
    different = [
        f"{name}={noted.get(name)!r} there, {asked.get(name)!r} now"
        for name in sorted(noted.keys() | asked.keys())
        if noted.get(name) != asked.get(name)
    ]
    if different:
        raise TrainingError(
            f"{folder} was begun with other options: {'; '.join(different)}. Give the same ones "
            "to go on, another work folder, or delete this one"
        )


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
    whole = [state.parent for state in states if _is_json(state)]
    steps = {int(folder.name.partition("-")[2]): folder for folder in whole}
    return steps[max(steps)] if steps else None


def beside(folder: StrPath, suffix: str) -> Path:
    """Return the path next to `folder` whose name ends with `suffix`."""
    path = Path(folder)
    return path.with_name(path.name + suffix)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:  # killed while it was written
        return False
    return True


def _found(work: Path, ours: Sequence[str]) -> set[Path]:
    return {path for pattern in (*ours, LOCK) for path in work.glob(pattern)}
