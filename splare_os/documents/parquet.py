"""Documents from Parquet: each row one, its values as JSON has them, read group by group."""

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
    from pyarrow.parquet import ParquetFile

BATCH_ROWS = 256


def read_parquet(file: File, fields: Fields, after: int) -> Iterator[Document]:
    """Yield the documents after row `after`.

    What JSON has not makes a row dead: bytes, durations, NaN. Times are strings, as ISO 8601 has
    them, and so are decimals. A group of rows that cannot be decoded ends in one dead row.
    """
    require("sources", f"the source {file.name}")
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        table = ParquetFile(file.handle, page_checksum_verification=True)
    except (ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise JobError(f"{file.name}: not read as Parquet: {error}") from error
    check_columns(file.name, table.schema_arrow.names, fields)
    first = 0
    for number in range(table.num_row_groups):
        last = first + table.metadata.row_group(number).num_rows
        if last > after:
            yield from _group(file, table, number, first, fields=fields, after=after)
        first = last


def _group(
    file: File, table: ParquetFile, group: int, first: int, *, fields: Fields, after: int
) -> Iterator[Document]:
    from pyarrow import ArrowException

    number = first
    try:
        for batch in table.iter_batches(BATCH_ROWS, row_groups=[group]):
            yield from documents_of(batch, file.name, number, fields=fields, after=after)
            number += batch.num_rows
    except (ArrowException, OSError) as error:
        file.check()  # it may be broken for being written to
        if isinstance(error, OSError) and error.errno:
            raise  # reading failed, and may not the next time
        if number >= after:
            reason = f"row group {group} cannot be decoded after row {number}: {error}; its rest "
            yield Document(file.name, number + 1, b"", reason=reason + "is lost, write it anew")
