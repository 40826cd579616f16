"""States in half precision, in memory or in a file that survives a stop half-way."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor

from ...errors import TrainingError

LARGEST = float(np.finfo(np.float16).max)
HEADROOM = 16
"""How many times larger than the first states the later ones may be, before all are rescaled."""
ROWS = "states.npy"
NOTE = "states.json"
CANNOT_RESERVE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
"""What file systems say that know no reserving."""


@dataclass(frozen=True, slots=True)
class States:
    """Token states [token, state], held as float16 `rows` that are `unit` times too small.

    The unit is a power of two: residual streams reach values beyond float16's 65,504, and
    bfloat16, which holds them, would be eight times coarser.

    >>> States(np.array([[32768.0]], dtype=np.float16), unit=4.0).read(slice(None))
    tensor([[131072.]])
    """

    rows: NDArray[np.float16]
    unit: float = 1.0

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.rows)

    def read(self, places: slice | NDArray[np.int64]) -> Tensor:
        """Return the float32 states [token, state] at `places`."""
        return torch.from_numpy(self.rows[places].astype(np.float32)) * self.unit

    def part(self, start: int, end: int | None = None) -> States:
        """Return a view of the states from `start` to `end`."""
        return States(self.rows[start:end], self.unit)


@dataclass(slots=True)
class _Note:
    n_packs: int
    unit: float
    shape: tuple[int, int]
    is_whole: bool = False


class StateStore:
    """An array of states being filled; with a `folder`, what `keep` was called after is kept.

    `n_packs` counts the packs of tokens that are in it, as its user tells it.
    """

    def __init__(self, shape: tuple[int, int], folder: Path | None = None) -> None:
        self.folder = folder
        self.note = _Note(0, 0.0, shape)
        if folder is None:
            self.rows: NDArray[np.float16] = np.zeros(shape, dtype=np.float16)
            return
        folder.mkdir(parents=True, exist_ok=True)
        found = _read_note(folder)
        if found is not None and found.shape == shape and found.n_packs:
            self.note = found
            self.rows = open_memmap(folder / ROWS, mode="r+")
        else:
            self.rows = _made(folder / ROWS, shape)

    @property
    def n_packs(self) -> int:
        """Packs of tokens whose states are in the array."""
        return self.note.n_packs

    def write(self, places: NDArray[np.int64], states: Tensor) -> None:
        """Put float32 `states` [token, state] in the rows `places`; negative places are none."""
        wanted = torch.from_numpy(places >= 0)
        states = states[wanted]
        if not len(states):
            return
        largest = float(states.abs().max())
        if not np.isfinite(largest) or not bool(states.isfinite().all()):
            share = 1 - float(states.isfinite().all(dim=1).float().mean())
            raise TrainingError(
                f"{share:.0%} of the states of a pass of {len(states)} tokens are NaN or infinite: "
                "compute the backbone in another precision (bfloat16 or float32), or check it"
            )
        if largest > LARGEST * self.note.unit:
            self._rescale(largest)
        self.rows[places[places >= 0]] = (states / self.note.unit).half().numpy()

    def keep(self, n_packs: int, *, is_whole: bool = False) -> None:
        """Make sure that the states of the first `n_packs` packs survive a stop."""
        self.note.n_packs, self.note.is_whole = n_packs, is_whole
        if self.folder is not None:
            self.rows.flush()  # type: ignore[attr-defined]  # a memmap
            _write_note(self.folder, self.note)

    def states(self) -> States:
        """Return what was written."""
        return States(self.rows, self.note.unit or 1.0)

    def _rescale(self, largest: float) -> None:
        """Take the least unit in which `largest` has headroom, and bring the rows to it."""
        before = self.note.unit
        self.note.unit = float(max(1, 2 ** int(np.ceil(np.log2(HEADROOM * largest / LARGEST)))))
        if not before:  # nothing is written yet
            return
        self.keep(0)  # a stop between two units would mix them
        for start in range(0, len(self.rows), 65_536):
            self.rows[start : start + 65_536] *= np.float16(before / self.note.unit)


def whole_states(folder: Path) -> States | None:
    """Return the states in `folder`, if all that were asked for are there."""
    note = _read_note(folder)
    if note is None or not note.is_whole:
        return None
    return States(open_memmap(folder / ROWS, mode="r"), note.unit or 1.0)


def _made(path: Path, shape: tuple[int, int]) -> NDArray[np.float16]:
    """Return a new file of states as an array, with room on the disk for all of them."""
    try:
        rows: NDArray[np.float16] = open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
        _reserve(path)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise TrainingError(
            f"the states take {2 * shape[0] * shape[1]:,} bytes, and {path.parent} has no room for "
            f"them ({error.strerror}): take fewer states (--states), or another folder (--work)"
        ) from error
    return rows


def _reserve(path: Path) -> None:
    """Take the blocks of a file full of holes: writing to a map of one kills on a full disk."""
    if not hasattr(os, "posix_fallocate"):  # macOS
        return
    with path.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            if error.errno not in CANNOT_RESERVE:
                raise


def _read_note(folder: Path) -> _Note | None:
    path = folder / NOTE
    if not path.exists() or not (folder / ROWS).exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    return _Note(**content | {"shape": tuple(content["shape"])})


def _write_note(folder: Path, note: _Note) -> None:
    part = folder / f"{NOTE}.part"
    part.write_text(json.dumps(asdict(note)), encoding="utf-8")
    part.replace(folder / NOTE)
