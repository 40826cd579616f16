"""Documents encoded into a folder, to be indexed later, elsewhere, or both."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from platform import node
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from ..documents.document import Document
from ..documents.encoded import (
    MANIFEST,
    SUFFIX,
    Manifest,
    Marker,
    encoded_path,
    find_markers,
    read_manifest,
    text_sha256,
)
from ..documents.fields import Fields
from ..documents.files import FileState, file_state
from ..documents.sources import find_sources, read_documents
from ..durable import NEW, write_durably
from ..encoder import Encoder, own_prior, own_top_k
from ..errors import JobError
from ..extras import require
from ..impacts import Impacts, stack
from ..index.chunk import Failures, encode
from ..index.dead_letters import to_letter
from ..layout.cut import DocumentCut, default_top_k

if TYPE_CHECKING:
    from pyarrow import Table

BATCH = 1024
SHARD_DOCUMENTS = 20_000
ROW_GROUP = 4096


@dataclass(frozen=True)
class StoreOptions:
    """Where to, what of documents, how many in a file; and which of `parts` machines this is."""

    folder: Path
    fields: Fields = Fields()  # noqa: RUF009  # frozen
    part: int = 0
    parts: int = 1
    shard_documents: int = SHARD_DOCUMENTS

    def __post_init__(self) -> None:
        """Refuse a part that is none."""
        if not 0 <= self.part < self.parts or self.shard_documents < 1:
            raise ValueError(
                f"part={self.part} of parts={self.parts}, shard_documents={self.shard_documents}: "
                "parts count from 0, and a file has at least one document"
            )


@dataclass(frozen=True)
class Shard:
    """One file that is whole now: its path and what is in it; `is_new`: it was encoded now."""

    path: Path
    marker: Marker
    is_new: bool = False


@dataclass(frozen=True)
class Work:
    """One file that is to be made: its path and the lines that go into it.

    `is_last`: their source has no more.
    """

    path: Path
    documents: Sequence[Document]
    is_last: bool


def encode_to(encoder: Encoder, sources: Sequence[str], options: StoreOptions) -> Iterator[Shard]:
    """Yield each file of this machine's part, once it is whole; those that are there are kept.

    Run the same again after an interruption. `JobError` if the folder is of another model, of other
    fields or sources, or if a source cannot be read a second time.
    """
    for number, source in enumerate(claim_folder(encoder, sources, options)):
        for found in find_work(source, number, options, find_markers(options.folder, number)):
            yield write_shard(encoder, found) if isinstance(found, Work) else found


def claim_folder(encoder: Encoder, sources: Sequence[str], options: StoreOptions) -> list[str]:
    """Return the files of `sources`, once the folder is theirs, new or not; errors as above."""
    require("sources", f"encoding into {options.folder}")
    files = find_sources(sources)
    wanted = _manifest(encoder, files, options)
    path = options.folder / MANIFEST
    if not path.exists():
        options.folder.mkdir(parents=True, exist_ok=True)
        _write(path, wanted.to_json())
    _remove_left(options.folder)
    known = asdict(read_manifest(options.folder))
    for name, value in asdict(wanted).items():
        if known[name] != value:
            raise JobError(
                f"{options.folder} was begun with other {name} ({known[name]!r}, now {value!r}): "
                "encode into a new folder"
            )
    return files


def _remove_left(folder: Path) -> None:
    """Remove what runs on this machine were writing when they were killed."""
    for path in folder.glob(f"*{NEW}"):
        _, mine, writer = path.name.removesuffix(NEW).rpartition(f".{node()}-")
        if mine and writer.isdecimal() and not _is_alive(int(writer)):
            path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)  # asks, and does nothing
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def find_work(
    source: str, number: int, options: StoreOptions, whole: Mapping[int, Marker]
) -> Iterator[Shard | Work]:
    """Yield what this machine has of source `number`, in order: files there, and files to make.

    `whole` are the files that are there, by shard. All of the source behind them is read, what
    other machines encode included.
    """
    after, shard, is_last, reading = 0, 0, False, None
    while not is_last:
        path = encoded_path(options.folder, number, shard)
        is_ours = (number + shard) % options.parts == options.part
        if marker := whole.get(shard):
            after, reading, is_last = marker.last, None, marker.is_last
            found: Shard | Work = Shard(path, marker)
        else:
            reading = reading or read_documents(source, options.fields, after=after)
            documents = list(islice(reading, options.shard_documents))
            is_last = len(documents) < options.shard_documents
            after = documents[-1].line if documents else after
            found = Work(path, documents, is_last)
        if is_ours:
            yield found
        shard += 1


def write_shard(encoder: Encoder, work: Work) -> Shard:
    """Return a shard once its file, its dead letters and then its marker are on disk."""
    live = [document for document in work.documents if not document.reason]
    impacts, failures = _encoded(encoder, [document.text for document in live])
    kept = [at for at in range(len(live)) if at not in failures]
    letters = [to_letter(one, one.reason) for one in work.documents if one.reason]
    letters += [to_letter(live[at], reason) for at, reason in failures.items()]
    path, stem = work.path, work.path.name.removesuffix(SUFFIX)
    letters_path = path.with_name(f"{stem}.dead.jsonl")
    if letters:
        _write(letters_path, b"".join(letters))
    else:
        letters_path.unlink(missing_ok=True)  # of a run that was killed, or whose model failed
    told = {"fingerprint": encoder.fingerprint, "n_latents": str(encoder.n_latents)}
    content = _parquet(_table([live[at] for at in kept], impacts[kept], told))
    _write(path, content)
    last = work.documents[-1].line if work.documents else 0
    marker = Marker(len(kept), len(letters), last, work.is_last, len(content))
    _write(path.with_name(f"{stem}.json"), orjson.dumps(marker))
    return Shard(path, marker, is_new=True)


def _write(path: Path, content: bytes) -> None:
    """Put a file into the folder; a shard may be written by two, if one was given up for lost."""
    try:
        write_durably(path, content, writer=f".{node()}-{os.getpid()}")
    except OSError as error:
        raise JobError(f"{path}: cannot be written: {error}. Make room, or name another") from error


def _manifest(encoder: Encoder, files: Sequence[str], options: StoreOptions) -> Manifest:
    prior = own_prior(encoder)
    return Manifest(
        encoder.name,
        encoder.fingerprint,
        encoder.n_latents,
        own_top_k(encoder),
        prior.mean_length if prior else None,
        replace(options.fields, impacts=None),
        tuple(map(_state, files)),
        options.shard_documents,
    )


def _state(source: str) -> FileState:
    state = file_state(source)
    if state is None:
        raise JobError(f"{source}: cannot be read a second time: give a file")
    return state


def _encoded(encoder: Encoder, texts: Sequence[str]) -> tuple[Impacts, Failures]:
    """Return the impacts of texts, none for those that are empty, and why some cannot have any."""
    full = [at for at, text in enumerate(texts) if text]
    cut, failures = DocumentCut(default_top_k(encoder)), dict[int, str]()
    rows = []
    for first in range(0, max(1, len(full)), BATCH):
        wanted = full[first : first + BATCH]
        impacts, failed = encode(encoder, [texts[at] for at in wanted], cut)
        rows.append(impacts)
        failures |= {wanted[row]: reason for row, reason in failed.items()}
    found = stack(rows)
    lengths = np.zeros(len(texts) + 1, np.int64)
    lengths[np.asarray(full, np.int64) + 1] = np.diff(found.indptr)
    shape = (len(texts), encoder.n_latents)
    return Impacts((found.data, found.indices, np.cumsum(lengths)), shape=shape), failures


def _table(documents: Sequence[Document], impacts: Impacts, told: Mapping[str, str]) -> "Table":
    import pyarrow as pa

    starts = pa.array(impacts.indptr.astype(np.int32))
    lists: dict[str, Any] = {
        "latents": pa.array(impacts.indices.astype(np.int32)),
        "impacts": pa.array(impacts.data.astype(np.float32)),
    }
    columns = {
        "_id": pa.array([document.id for document in documents], pa.string()),
        "document": pa.array([document.raw for document in documents], pa.binary()),
        "text_sha256": pa.array([text_sha256(one.text) for one in documents], pa.binary(16)),
        **{name: pa.ListArray.from_arrays(starts, values) for name, values in lists.items()},
    }
    return pa.table(columns).replace_schema_metadata(told)


def _parquet(table: "Table") -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    sink = pa.BufferOutputStream()
    parquet.write_table(
        table, sink, compression="zstd", row_group_size=ROW_GROUP, write_page_checksum=True
    )
    content: bytes = sink.getvalue().to_pybytes()
    return content
