"""Documents from Arrow's IPC format, stream or file: what `datasets` saves to disk, and Feather."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import JobError
from ..extras import require
from .columns import check_columns
from .document import Document
from .fields import Fields
from .files import File
from .rows import documents_of

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyarrow.ipc import RecordBatchFileReader, RecordBatchStreamReader

MAGIC = b"ARROW1"
"""First bytes of a file; a stream has none."""

BATCH_ROWS = 256


def read_arrow(file: File, fields: Fields, after: int) -> Iterator[Document]:
    """Yield the documents after row `after`, as `documents_of` has them.

    A batch that cannot be decoded ends the file in one dead row: what follows it cannot be found.
    """
    require("sources", f"the source {file.name}")
    from pyarrow import ArrowException

    try:
        reader = _reader(file)
    except (ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise JobError(f"{file.name}: not read as Arrow: {error}") from error
    check_columns(file.name, reader.schema.names, fields)
    number = 0
    try:
        for batch in _batches(reader):
            if number + batch.num_rows > after:
                yield from documents_of(batch, file.name, number, fields=fields, after=after)
            number += batch.num_rows
    except (ArrowException, OSError) as error:
        file.check()  # it may be broken for being written to
        if isinstance(error, OSError) and error.errno:
            raise  # reading failed, and may not the next time
        if number >= after:
            reason = f"cannot be decoded after row {number}: {error}; the rest is lost, "
            yield Document(file.name, number + 1, b"", reason=reason + "write the file anew")


def _reader(file: File) -> RecordBatchFileReader | RecordBatchStreamReader:
    from pyarrow import ipc

    is_file = file.handle.peek(len(MAGIC))[: len(MAGIC)] == MAGIC
    return ipc.open_file(file.handle) if is_file else ipc.open_stream(file.handle)


def _batches(reader: RecordBatchFileReader | RecordBatchStreamReader) -> Iterator[RecordBatch]:
    """Yield the rows in small batches: those of a file may be of any size."""
    from pyarrow.ipc import RecordBatchFileReader

    if isinstance(reader, RecordBatchFileReader):
        whole = (reader.get_batch(number) for number in range(reader.num_record_batches))
    else:
        whole = iter(reader)
    for batch in whole:
        for at in range(0, batch.num_rows, BATCH_ROWS):
            yield batch.slice(at, BATCH_ROWS)
