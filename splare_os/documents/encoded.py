"""Documents that were encoded before: a folder of Parquet files, each with its impacts.

splare-encoded.json             what made them: model, fields, sources
00000-00000.impacts.parquet     documents of one source, in order, with their impacts
00000-00000.json                the marker: this file is whole
00000-00000.dead.jsonl          lines of it that are no documents, if there are any
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from ..encoder import Spans
from ..errors import EncoderError, JobError
from ..extras import require
from ..impacts import Impacts
from ..statistics import Statistics
from .document import Document, Row, to_document
from .fields import Fields
from .files import File, FileState

if TYPE_CHECKING:
    from pyarrow import RecordBatch

MANIFEST = "splare-encoded.json"
SUFFIX = ".impacts.parquet"
VERSION = 1
BATCH_ROWS = 256


@dataclass(frozen=True)
class Manifest:
    """What made a folder of encoded documents: the model, what was read of which sources.

    `mean_length` is the one of the model's prior, `top_k` its cut of a document; None: not known.
    """

    model: str
    fingerprint: str
    n_latents: int
    top_k: int | None
    mean_length: float | None
    fields: Fields
    sources: tuple[FileState, ...]
    shard_documents: int
    version: int = VERSION

    def to_json(self) -> bytes:
        """Return the content of the file."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)


@dataclass(frozen=True)
class Marker:
    """One file that is whole: how many documents it has, how many lines were none, and its bytes.

    `last` is the last line of the source that it holds; `is_last`: the source has no more.
    """

    documents: int
    dead: int
    last: int
    is_last: bool
    n_bytes: int


class StoredEncoder:
    """The model of encoded documents, as far as an index has to know it: it encodes nothing."""

    def __init__(self, manifest: Manifest) -> None:
        self.name, self.fingerprint = manifest.model, manifest.fingerprint
        self.n_latents, self.document_top_k = manifest.n_latents, manifest.top_k
        mean = manifest.mean_length
        none = np.zeros(manifest.n_latents)
        self.prior = None if mean is None else Statistics(1.0, none, mean)

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Raise `EncoderError`: the weights are not here."""
        raise EncoderError(
            f"{len(texts)} documents without impacts, and only those of {self.name!r} are here: "
            "encode them with the model"
        )

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        """Raise `EncoderError`, likewise."""
        return self.encode_documents(texts)

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:  # noqa: ARG002
        """Raise `EncoderError`, likewise."""
        self.encode_documents(texts)
        return []


def is_encoded(source: str) -> bool:
    """Return whether a source is a folder of encoded documents."""
    return (Path(source) / MANIFEST).is_file()


def find_manifest(sources: Sequence[str]) -> Manifest | None:
    """Return what made the encoded documents that are the sources; None if they are others.

    `JobError` if some are and some are not, or if models or fields are not the same in all.
    """
    folders = [folder for source in sources if (folder := _folder(source)) is not None]
    if not folders:
        return None
    if len(folders) < len(sources):
        raise JobError(
            f"{folders[0]} holds encoded documents, and other sources do not: index them one after "
            "the other"
        )
    found = [read_manifest(folder) for folder in folders]
    for folder, other in zip(folders, found, strict=True):
        if (other.fingerprint, other.fields) != (found[0].fingerprint, found[0].fields):
            raise JobError(
                f"{folders[0]} and {folder} are of different models or fields: index them one "
                "after the other"
            )
    return found[0]


def _folder(source: str) -> Path | None:
    """Return the folder of encoded documents that a source is, or a file of which it is."""
    path = Path(source)
    if is_encoded(source):
        return path
    return path.parent if path.name.endswith(SUFFIX) and is_encoded(str(path.parent)) else None


def read_manifest(folder: Path) -> Manifest:
    """Return what made a folder; `JobError` if that cannot be read."""
    path = folder / MANIFEST
    try:
        body: dict[str, Any] = orjson.loads(path.read_bytes())
        body["fields"] = Fields(**body["fields"])
        body["sources"] = tuple(FileState(**state) for state in body["sources"])
        found = Manifest(**body)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JobError(f"{path}: cannot be read ({error}): encode into a new folder") from error
    if found.version != VERSION:
        raise JobError(f"{path}: version {found.version}, this one reads {VERSION}: encode anew")
    return found


def find_markers(folder: Path, source: int) -> dict[int, Marker]:
    """Return the markers of a source's files that are whole, by shard."""
    found = {}
    for path in sorted(folder.glob(f"{source:05}-*.json")):
        try:
            shard = int(path.stem.partition("-")[2])
            marker = Marker(**orjson.loads(path.read_bytes()))
            if encoded_path(folder, source, shard).stat().st_size == marker.n_bytes:
                found[shard] = marker
        except (OSError, ValueError, TypeError):
            continue  # as if it were not there
    return found


def encoded_path(folder: Path, source: int, shard: int) -> Path:
    """Return where the documents of one shard of a source are.

    >>> encoded_path(Path("out"), 3, 14).name
    '00003-00014.impacts.parquet'
    """
    return folder / f"{source:05}-{shard:05}{SUFFIX}"


def encoded_files(folder: Path) -> list[str]:
    """Return the files of a folder, in order; `JobError` unless every source is encoded whole."""
    found: list[str] = []
    for source, state in enumerate(read_manifest(folder).sources):
        whole = find_markers(folder, source)
        last = next((shard for shard, marker in whole.items() if marker.is_last), len(whole))
        paths = [encoded_path(folder, source, shard) for shard in range(last + 1)]
        missing = [path.name for shard, path in enumerate(paths) if shard not in whole]
        if missing:
            raise JobError(
                f"{folder}: {missing[0]} of {state.name} is not there, or not whole: run the same "
                "`splare-os encode --out` again, on each machine that takes part"
            )
        found += map(str, paths)
    return found


def read_encoded(file: File, fields: Fields, after: int) -> Iterator[Document]:
    """Yield the documents after row `after`, each with its impacts.

    One whose text by `fields` is another than the one that was encoded has a reason.
    """
    require("sources", f"the source {file.name}")
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        table = ParquetFile(file.handle, page_checksum_verification=True)
        model = (table.schema_arrow.metadata or {}).get(b"fingerprint", b"").decode()
        first = 0
        for batch in table.iter_batches(BATCH_ROWS):
            skipped = max(0, after - first)
            if skipped < batch.num_rows:
                rest = batch.slice(skipped)
                yield from _documents(file, rest, first + skipped, fields=fields, model=model)
            first += batch.num_rows
    except (ArrowException, OSError, KeyError) as error:
        if isinstance(error, OSError) and error.errno:
            raise  # reading failed, and may not the next time
        raise JobError(
            f"{file.name}: cannot be read ({error}): delete it and its marker, and run the same "
            "`splare-os encode --out` again"
        ) from error


def _documents(
    file: File, batch: RecordBatch, first: int, *, fields: Fields, model: str
) -> Iterator[Document]:
    raws, digests = batch.column("document").to_pylist(), batch.column("text_sha256").to_pylist()
    latents, impacts = batch.column("latents"), batch.column("impacts")
    starts = latents.offsets.to_numpy()
    all_latents, all_impacts = latents.values.to_numpy(), impacts.values.to_numpy()
    for at, raw in enumerate(raws):
        document = to_document(file.name, first + at + 1, raw, orjson.loads(raw), fields)
        row = slice(starts[at], starts[at + 1])
        if not document.reason and text_sha256(document.text) != digests[at]:
            reason = "its text is not the one that was encoded: name the same fields"
            yield replace(document, reason=reason)
        else:
            yield document.with_impacts(Row(all_latents[row], all_impacts[row], model))


def text_sha256(text: str) -> bytes:
    """Return the hash that tells of which text impacts are."""
    return sha256(text.encode()).digest()[:16]
