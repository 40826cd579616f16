"""The numbers among options of a training."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def check_numbers(
    options: DataclassInstance, *, may_be_0: Collection[str] = (), shares: Collection[str] = ()
) -> None:
    """Refuse a number that is not finite, not above 0 (or at least 0), or a share above 1."""
    for field in fields(options):
        name, value = field.name, getattr(options, field.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not isfinite(value) or value < 0 or (value == 0 and name not in may_be_0):
            least = "at least 0" if name in may_be_0 else "above 0"
            raise ValueError(f"{name}={value!r}: give a number {least}")
        if name in shares and value > 1:
            raise ValueError(f"{name}={value!r}: give a share, at most 1")
