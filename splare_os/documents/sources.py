"""Where documents come from: files, folders, patterns and URLs, and what reads each format."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NoReturn, TypeAlias

from ..errors import JobError
from ..extras import require
from ..paths import StrPath
from . import opensearch, remote
from .arrow import read_arrow
from .compression import SUFFIXES as COMPRESSED
from .delimited import read_csv, read_tsv
from .document import Document
from .encoded import MANIFEST, encoded_files, is_encoded, read_encoded
from .encoded import SUFFIX as ENCODED
from .fields import Fields
from .files import STDIN, File, Meter, file_state, opened
from .jsonl import read_jsonl
from .letters import SUFFIX as DEAD
from .letters import read_letters
from .parquet import read_parquet
from .patterns import matches

Reader: TypeAlias = Callable[[File, Fields, int], Iterator[Document]]
"""Yields the documents of a file after a position, each with its own: a line, or a row."""

FORMATS: Mapping[str, Reader] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".json": read_jsonl,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
    ".arrow": read_arrow,
    DEAD: read_letters,
    ENCODED: read_encoded,
}
"""The suffix of a name, before one of a compression, to what reads the file."""


TABLES = frozenset({read_parquet, read_arrow, read_encoded})
"""Readers that need an extra, and a file as it is: it is compressed inside."""

BESIDE_ARROW = frozenset({"dataset_dict.json", "dataset_info.json", "state.json"})
"""What `datasets` saves beside documents."""


def find_sources(sources: Sequence[StrPath]) -> list[str]:
    """Return the files that `sources` stand for, in their order, those of each sorted.

    A source is a file, a URL, "-" for stdin, a pattern such as "data/**/*.jsonl", a folder (all
    files below it of a known suffix, but for names that begin with a dot or an underscore), or
    an index, "opensearch://localhost:9200/papers": its shards.
    `ValueError` for a file of another kind, `JobError` if there is none.
    """
    if not sources:
        raise ValueError("no source: give at least one file, or '-' for stdin")
    named = [os.fspath(source) for source in sources]
    if named.count(STDIN) > 1:
        raise ValueError("'-' is given twice: stdin can be read once")
    found = [file for source in named for file in _files(source)]
    for file in found:
        _check_name(file)
        if not opensearch.is_index(file) and _reader(file) in TABLES:
            require("sources", f"the source {file}")
    return found


def _check_name(file: str) -> None:
    """Raise `JobError` for a name that no ledger and no dead letter can hold."""
    try:
        file.encode()
    except UnicodeEncodeError as error:
        raise JobError(f"{os.fsencode(file)!r}: its name is not UTF-8; rename it") from error


def is_replayable(source: str) -> bool:
    """Return whether a second reading gives the same lines, or else that is noticed."""
    return file_state(source) is not None


def read_documents(
    source: str, fields: Fields, *, after: int = 0, meter: Meter | None = None
) -> Iterator[Document]:
    """Yield the documents of one file or of stdin ("-"), from the one behind position `after`.

    What is no document has a reason, and so has what follows a break of a compressed stream.
    `meter` is told how much of the file was read. `JobError` if the file cannot be read, or changed
    while it was.
    """
    meter = meter or Meter()
    if opensearch.is_index(source):
        yield from opensearch.read_shard(source, fields, after)
        return
    reader = _reader(source)
    try:
        with opened(source) as file:
            for document in reader(file, fields, after):
                after = document.line
                meter.note(file)
                yield document
            file.check()
    except OSError as error:
        raise JobError(f"{source}: cannot be read after line {after}: {error}") from error


def _reader(source: str) -> Reader:
    suffix = _suffix(source)
    reader = FORMATS.get(suffix or ".jsonl")
    if reader is None:
        raise ValueError(
            f"{source}: documents are read from {', '.join(FORMATS)} (each but .parquet and .arrow "
            f"also with {', '.join(COMPRESSED)}) or '-', JSON Lines; convert it"
        )
    return reader


def _suffix(source: str) -> str:
    """Return the suffix that tells the format; with that of a compression if it has to be plain."""
    name = PurePosixPath(remote.name_of(source) if remote.is_remote(source) else source)
    suffix = name.suffix.lower()
    if suffix not in COMPRESSED:
        return _last(name)
    found = _last(name.with_suffix(""))
    return found + suffix if FORMATS.get(found) in TABLES else found


def _last(name: PurePosixPath) -> str:
    """Return the suffix of a name, both of those that belong together."""
    both = "".join(name.suffixes[-2:]).lower()
    return both if both in {DEAD, ENCODED} else name.suffix.lower()


def _files(source: str) -> list[str]:
    if opensearch.is_index(source):
        return opensearch.shards(source)
    try:
        found = _remote_files(source) if remote.is_remote(source) else _local_files(source)
    except OSError as error:
        raise JobError(f"{source}: cannot be read: {error}") from error
    if not found:
        if "*" not in source:
            _reader(source)  # misuse first: a file of another kind
        what = "no such file in this folder" if Path(source).is_dir() else "no such file"
        raise JobError(
            f"{source}: {what}; give one of {', '.join(FORMATS)}, a folder or a pattern "
            "that has some, or '-' for stdin"
        )
    return found


def _remote_files(source: str) -> list[str]:
    try:
        found = remote.expand(source)
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise ValueError(f"{source}: {error}; give a URL that fsspec knows") from error
    if any(PurePosixPath(below).name == MANIFEST for _, below in found):
        raise JobError(
            f"{source}: holds encoded documents, which are read from a folder of this machine: "
            "copy it here"
        )
    files = [file for file, below in found if not below or _is_wanted(below)]
    return _without_letters(source, files)


def _local_files(source: str) -> list[str]:
    path = Path(source)
    if source == STDIN or _is_file(path):
        return [source]
    if is_encoded(source):
        return encoded_files(path)
    if path.is_dir():
        return _in_folder(path)
    return _without_letters(source, _no_folders(matches(source)))


def _without_letters(source: str, files: Sequence[str]) -> list[str]:
    """Return what a pattern matches but for dead letters, unless it names them."""
    return [file for file in files if ".dead." in source or _suffix(file) != DEAD]


def _is_file(path: Path) -> bool:
    return path.exists() and not path.is_dir()


def _in_folder(folder: Path) -> list[str]:
    found = []
    for at, folders, names in os.walk(folder, onerror=_refuse):
        if is_encoded(at):
            raise JobError(
                f"{folder}: {at} in it holds encoded documents: index it by its own name, and move "
                "it away from the others"
            )
        folders[:] = [name for name in folders if _is_open(name)]
        found += [os.path.join(at, name) for name in names if _is_wanted(name)]
    return _no_folders(sorted(found))


def _no_folders(names: Sequence[str]) -> list[str]:
    """Return those names that are no folders; `OSError` for a link to nothing."""
    return [name for name in names if not stat.S_ISDIR(os.stat(name).st_mode)]


def _refuse(error: OSError) -> NoReturn:
    raise error  # or what is below would be passed over


def _is_wanted(below: str) -> bool:
    """Return whether a file is taken from a folder, by its path in it."""
    parts = PurePosixPath(below).parts
    return all(map(_is_open, parts)) and not _is_beside(parts[-1]) and _is_known(parts[-1])


def _is_open(name: str) -> bool:
    return not name.startswith((".", "_"))


def _is_beside(name: str) -> bool:
    """Return whether a file lies beside documents: what `datasets` notes, and dead letters."""
    return name in BESIDE_ARROW or _suffix(name) == DEAD


def _is_known(name: str) -> bool:
    return _suffix(name) in FORMATS
