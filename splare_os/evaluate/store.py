"""What is costly to compute for a corpus, on disk: a file for each chunk of documents."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Any, TypeAlias
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ..errors import EvaluationError

log = logging.getLogger(__name__)

Arrays: TypeAlias = dict[str, NDArray[Any]]
"""Arrays by name: what one file holds."""

CHUNK_DOCUMENTS = 1024
"""Documents a file: what an interruption may cost, and what is held in memory at once."""


def default_cache_folder() -> Path:
    """Return where corpora are kept: `$XDG_CACHE_HOME` or `~/.cache`, below it."""
    home = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = home if home.is_absolute() else Path.home() / ".cache"
    return base / "splare-os" / "evaluate"


class Store:
    """The chunks of one corpus, each made when it is first asked for.

    A file is there whole or not at all, so that an interrupted evaluation goes on where it was.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, number: int) -> Path:
        """Return the file of a chunk."""
        return self.folder / f"{number:06}.npz"

    def holds(self, number: int) -> bool:
        """Return whether a chunk is there."""
        return self.path(number).is_file()

    def chunk(self, number: int, make: Callable[[], Arrays]) -> Arrays:
        """Return the arrays of a chunk, from its file, or made and written to it."""
        path = self.path(number)
        if path.is_file():
            return _read(path)
        arrays = make()
        self.folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as part:
            try:
                np.savez(part, allow_pickle=False, **arrays)
                part.close()
                Path(part.name).replace(path)
            finally:
                Path(part.name).unlink(missing_ok=True)
        return arrays


def digest(*parts: str) -> str:
    """Return 16 hex digits over texts."""
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


@contextmanager
def opened_store(*key: str, cache: bool = True) -> Iterator[Store]:
    """Yield the store of what `key` names; without `cache` one that is gone afterwards."""
    name = digest(*key)
    if cache:
        store = Store(default_cache_folder() / name)
        log.info("store=%s holds_first_chunk=%s", store.folder, store.holds(0))
        yield store
        return
    with TemporaryDirectory(prefix="splare-evaluate-") as folder:
        yield Store(Path(folder) / name)


def _read(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise EvaluationError(
            f"{path} cannot be read ({error}): delete it, and it is computed again"
        ) from error
