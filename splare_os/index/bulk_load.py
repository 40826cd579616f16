"""Settings of an index for a bulk load, and those of before, until they are back.

What was set before is on disk before it is changed. So a worker may be killed: the next run on the
index sets it back, or `restore_all`. Of one that was killed before, the file is not whole, and
there is nothing to set back.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import IO

import orjson
from opensearchpy import NotFoundError, OpenSearch

from ..errors import BulkError, JobError
from ..lock import is_locked, lock
from ..reply import part, require_no_index
from .handle import UUID, IndexHandle
from .job import file_stem
from .patience import FAILURES, Patience, describe, retried, within

log = logging.getLogger(__name__)

LOADING = {
    "index.refresh_interval": "-1",
    "index.number_of_replicas": "0",
    "index.auto_expand_replicas": "false",
}
"""What is written is searched, and copied to other nodes, at the end."""

SUFFIX = ".settings.json"
LAST_TRY_S = 10.0
REMEDY = "Set them back by `splare-os jobs restore`"


@dataclass(frozen=True)
class _Kept:
    """What was set before: of which index of which cluster."""

    cluster: str
    index: str
    uuid: str
    settings: Mapping[str, str | None]


@contextmanager
def bulk_loading(handle: IndexHandle, folder: Path) -> Iterator[None]:
    """Set an index to bulk load, and back at the end, whichever way that comes.

    One that is set so already is left to whoever has done that, perhaps a job of another machine.
    `JobError` if another job loads it, `BulkError` if it cannot be set back once all is well.
    """
    path = _path(handle, folder)
    with _held(path) as file:
        if _of(handle.settings) == LOADING and _kept(path) is None:
            path.unlink()
            log.warning("index=%s is in bulk load already: left to who has set it", handle.index)
            yield
            return
        _write_once(file, handle, path)
        put = partial(handle.client.indices.put_settings, index=handle.index, body=LOADING)
        retried(put, handle.patience, handle.stop)
        try:
            yield
        except BaseException:
            _try_last(handle, path)
            raise
        _restore_at_end(handle, path)


def _restore_at_end(handle: IndexHandle, path: Path) -> None:
    try:
        retried(partial(restore, handle.client, path), handle.patience, handle.stop)
    except BulkError as error:
        raise BulkError(
            f"index {handle.index!r}: all documents are in, and the settings of before are not "
            f"back ({error}). {REMEDY}"
        ) from error


def restore_left(handle: IndexHandle, folder: Path) -> None:
    """Set an index back that a killed worker has left in bulk load; nothing if none has."""
    path = _path(handle, folder)
    if path.exists() and not is_locked(path):  # a job of today has it
        with _held(path):
            retried(partial(restore, handle.client, path), handle.patience, handle.stop)
            log.warning("index=%s had the settings of a bulk load left, set back", handle.index)


def restore_all(client: OpenSearch, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each index of this cluster that workers have left in bulk load, and what became of it.

    `restored`, `gone`, or `busy` if its worker lives; those of other clusters are left.
    """
    cluster = _cluster(client)
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            with _held(path):
                kept = _kept(path)
                if kept is None or kept.cluster != cluster:
                    continue
                name = kept.index
                is_there = retried(partial(restore, client, path), Patience(), Event())
                yield name, "restored" if is_there else "gone"
        except JobError:
            yield path.name.removesuffix(SUFFIX), "busy"


def restore(client: OpenSearch, path: Path) -> bool:
    """Set back what a file says, and remove it; return whether its index was there.

    What is as before is not set: a load that was refused has changed nothing, and who may not set
    it up may not set it back.
    """
    kept = _kept(path)
    if kept is None:
        path.unlink(missing_ok=True)
        return False
    index = kept.index
    try:
        settings = client.indices.get_settings(index=index, params={"flat_settings": "true"})
    except NotFoundError as error:
        require_no_index(error)
        settings = {}
    is_there = index in settings and part(settings, index, "settings", UUID) == kept.uuid
    if is_there and _of(part(settings, index, "settings")) != kept.settings:
        client.indices.put_settings(index=index, body=dict(kept.settings))
    path.unlink(missing_ok=True)
    return is_there


def _try_last(handle: IndexHandle, path: Path) -> None:
    """Set an index back once its run has failed; the log tells if that fails, too."""
    try:
        within(partial(restore, handle.client, path), Event(), LAST_TRY_S)
    except FAILURES as error:
        log.warning(
            "index=%s keeps the settings of a bulk load: %s. %s, or run the same command again",
            handle.index,
            describe(error),
            REMEDY,
        )


def _path(handle: IndexHandle, folder: Path) -> Path:
    return folder / f"{file_stem(handle.index)}-{handle.uuid[:8]}{SUFFIX}"


@contextmanager
def _held(path: Path) -> Iterator[IO[bytes]]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab", buffering=0)  # or a close would write what has failed
    except OSError as error:
        raise JobError(f"settings {path}: {error}. Give a folder that can be written to") from error
    with file:
        busy = f"another job bulk loads this index ({path}): leave that out, or wait for its end"
        lock(file, JobError(busy))
        if not path.exists() or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
            raise JobError(busy)  # it came to its end just now
        yield file


def _write_once(file: IO[bytes], handle: IndexHandle, path: Path) -> None:
    """Keep the settings of before, unless a killed worker has: what is set now is not that."""
    if _kept(path) is not None:
        return
    kept = _Kept(_cluster(handle.client), handle.index, handle.uuid, _of(handle.settings))
    try:
        file.truncate(0)
        left = orjson.dumps(kept)
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())
    except OSError as error:
        raise JobError(f"settings {path}: {error}. Make room, then run again") from error


def _of(settings: Mapping[str, str]) -> dict[str, str | None]:
    """Return those settings that a bulk load changes."""
    return {key: settings.get(key) for key in LOADING}


def _cluster(client: OpenSearch) -> str:
    return retried(lambda: part(client.info(), "cluster_uuid", kind=str), Patience(), Event())


def _kept(path: Path) -> _Kept | None:
    """Return what a file says; None if it is not whole, and so nothing was changed yet."""
    try:
        return _Kept(**orjson.loads(path.read_bytes()))
    except orjson.JSONDecodeError:
        return None
    except (OSError, TypeError) as error:
        raise JobError(
            f"settings {path}: cannot be read ({error}). Set refresh_interval and replicas of the "
            "index by hand, and delete the file"
        ) from error
