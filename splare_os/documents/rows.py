"""Rows of a table of Arrow as documents, their values as JSON has them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from .document import Body, Document, to_document
from .fields import Fields

if TYPE_CHECKING:
    from pyarrow import RecordBatch


def documents_of(
    batch: RecordBatch, source: str, first: int, *, fields: Fields, after: int
) -> Iterator[Document]:
    """Yield the documents of a batch behind row `after` of its file; `first` rows came before it.

    What JSON has not makes a row dead: bytes, durations, NaN. Times are strings, as ISO 8601 has
    them, and so are decimals.
    """
    for number, row in _rows(batch, max(0, after - first)):
        yield _document(source, first + number, row, fields)


def _rows(batch: RecordBatch, skip: int) -> Iterator[tuple[int, Body | ValueError]]:
    """Yield rows with their numbers in the batch from 1, or why one has no values of Python."""
    batch = batch.slice(skip)
    try:
        rows = batch.to_pylist()
    except (ValueError, OverflowError):
        rows = [_row(batch, at) for at in range(batch.num_rows)]
    return enumerate(rows, skip + 1)


def _row(batch: RecordBatch, at: int) -> Body | ValueError:
    try:
        row: Body = batch.slice(at, 1).to_pylist()[0]
    except (ValueError, OverflowError) as error:
        return ValueError(f"a value that Python cannot hold: {error}")
    return row


def _document(source: str, number: int, row: Body | ValueError, fields: Fields) -> Document:
    if isinstance(row, ValueError):
        return Document(source, number, b"", reason=str(row))
    try:
        body = {name: _as_json(value, name) for name, value in row.items()}
    except ValueError as error:
        raw = json.dumps(row, default=str, ensure_ascii=False).encode(errors="replace")
        return Document(source, number, raw, reason=str(error))
    return to_document(source, number, orjson.dumps(body), body, fields)


def _as_json(value: Any, name: str) -> object:  # noqa: ANN401  # whatever a column may hold
    """Return a value as JSON has it; `ValueError` if it has none of the kind."""
    if value is None or isinstance(value, str | bool) or _is_number(value):
        return value
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: _as_json(inner, f"{name}.{key}") for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_json(inner, name) for inner in value]
    told = value if isinstance(value, float | int) else f"of type {type(value).__name__}"
    raise ValueError(
        f"field {name!r} is {told}, which JSON has not: convert the column, or drop it"
    )


def _is_number(value: object) -> bool:
    """Return whether JSON has a number, and a server takes it."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**64
    return isinstance(value, float) and math.isfinite(value)
