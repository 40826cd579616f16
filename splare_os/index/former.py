"""The index that a job wrote to before: its name may stand for another one now, or for none.

Documents that went there are there. Who writes them to another index has them twice, and where the
former one is an alias' no longer, an index of the alias' name keeps it from being put back.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
from opensearchpy import AuthorizationException, OpenSearch

from ..errors import JobError, MappingError
from ..layout.existing import index_exists
from ..reply import part, parts
from .handle import UUID, IndexHandle
from .job import file_stem
from .ledger import Identity

log = logging.getLogger(__name__)

UNREADABLE = (OSError, sqlite3.Error, LookupError, TypeError, ValueError, AttributeError)


def check_alias_is_there(client: OpenSearch, name: str, folder: Path) -> None:
    """Raise `MappingError` if there is no `name`, and jobs wrote by it to an index that is there.

    It was an alias of that index then. Who may not see all indices is not told.
    """
    uuids = set(_written_to(name, folder))
    if not uuids or index_exists(client, name):
        return
    asked = {"name": UUID, "params": {"flat_settings": "true", "expand_wildcards": "all"}}
    try:
        found = parts(client.indices.get_settings(index="*", **asked), "settings")
    except AuthorizationException:
        return
    if former := [index for index, of in found.items() if part(of, UUID) in uuids]:
        names = " and ".join(sorted(former))
        raise MappingError(
            f"no index or alias {name!r}: it was an alias when documents were indexed by it, into "
            f"{names}. Put it back, or name that index; to have a new index of that name, take "
            "--restart"
        )


def check_former_index(handle: IndexHandle, known: Identity | None, now: Identity) -> None:
    """Raise `JobError` if a job that wrote to one index of an alias would write to another.

    Both are searched by the alias. Where sources are others than then, the log tells.
    """
    if known is None or known.index_uuid == handle.uuid:
        return
    named = handle.named_now().items()
    former = next((name for name, of in named if of.get(UUID) == known.index_uuid), None)
    if former is None:
        return
    told = (
        f"{handle.name!r} takes writes to {handle.index!r} now, and documents that this job wrote "
        f"to {former!r} before are searched there too"
    )
    if now.sources and now.sources == known.sources:
        raise JobError(
            f"{told}: they would be found twice. Go on with --index {former}, or take --restart "
            f"to have all of them in {handle.index!r} as well"
        )
    log.warning("%s: those that come again are found twice", told)


def _written_to(name: str, folder: Path) -> Iterator[str]:
    """Yield the uuids of the indices that jobs of a state folder wrote to by `name`."""
    for path in folder.glob("*.sqlite"):
        if not path.name.startswith(f"{file_stem(name)}-"):
            continue
        uri = f"{path.absolute().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True)) as database:
                row = database.execute("SELECT identity, life FROM job").fetchone()
            if row and orjson.loads(row[1])["index"] == name:
                yield str(orjson.loads(row[0])["index_uuid"])
        except UNREADABLE as error:
            log.info("job=%s cannot be read: %s", path.stem, error)
