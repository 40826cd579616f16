"""Options of trainings: what all have in common, and what the values of a field may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import TypeVar

import torch

from ..encode.backbone.precision import best_dtype, check_device

T = TypeVar("T")


def limited(
    default: T, *, may_be_0: bool = False, share: bool = False, choices: Sequence[str] = ()
) -> T:
    """Return a field of `Options`: a number at least 0, or at most 1; or one of some words."""
    limits = {"may_be_0": may_be_0, "share": share, "choices": choices}
    return field(default=default, metadata=limits)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Each number is finite and above 0, if its field is not `limited` to others."""

    def __post_init__(self) -> None:
        """Refuse values that nothing can be done with."""
        for one in fields(self):
            _check(one.name, getattr(self, one.name), **one.metadata)


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(Options):
    """Where a training computes, in which precision, and what its randomness starts from.

    `autocast` None uses bfloat16 where `device` multiplies it fast.
    """

    autocast: bool | None = None
    device: str = "cpu"
    seed: int = limited(0, may_be_0=True)

    def __post_init__(self) -> None:
        """Refuse also a device that is not there."""
        super().__post_init__()
        check_device(self.device)

    @property
    def autocasts(self) -> bool:
        """Whether products are computed in bfloat16."""
        if self.autocast is None:
            return best_dtype(self.device) is torch.bfloat16
        return self.autocast


def _check(
    name: str,
    value: object,
    *,
    may_be_0: bool = False,
    share: bool = False,
    choices: Sequence[str] = (),
) -> None:
    if choices and value not in choices:
        raise ValueError(f"{name}={value!r}: choose one of {', '.join(choices)}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if not isfinite(value) or value < 0 or (value == 0 and not may_be_0):
        raise ValueError(
            f"{name}={value!r}: give a number {'at least 0' if may_be_0 else 'above 0'}"
        )
    if share and value > 1:
        raise ValueError(f"{name}={value!r}: give a share, at most 1")
