"""Windows to packs: tokens of several windows in one row, without padding.

The linear layers and the SAE see one long row of tokens; attention and max pooling are told by
`Segments` where each window begins.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from .blocked import rows_missing
from .windows import Windows


@dataclass(frozen=True)
class Segments:
    """Lengths, in tokens, of the windows that follow one another in a row of tokens.

    >>> Segments((3, 2)).offsets
    (0, 3, 5)
    """

    lengths: tuple[int, ...]

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where each window begins, and the total at the end."""
        return tuple(accumulate(self.lengths, initial=0))


@dataclass(frozen=True)
class Pack:
    """`ids` and `positions` [token] of the windows numbered `windows`, one after another."""

    ids: Tensor
    positions: Tensor
    segments: Segments
    windows: NDArray[np.int64]


def packs(windows: Windows, *, max_tokens: int) -> Iterator[Pack]:
    """Yield packs of at most `max_tokens` tokens (or one window), longest windows first.

    Windows without a token are in none.
    """
    lengths = np.array([len(ids) for ids in windows.ids], dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
    starts, total = [0], 0
    for position, length in enumerate(lengths[order].tolist()):
        total += length
        if total > max_tokens and position > starts[-1]:
            starts.append(position)
            total = length
    for start, end in pairwise([*starts, len(order)]):
        if start < end:
            yield pack(windows, order[start:end])


def pack(windows: Windows, rows: NDArray[np.int64]) -> Pack:
    """Return the windows numbered `rows` as one pack."""
    parts = [windows.ids[row] for row in rows]
    lengths = tuple(map(len, parts))
    ids = np.concatenate([np.asarray(part, dtype=np.int64) for part in parts])
    positions = np.concatenate([np.arange(length) for length in lengths])
    return Pack(torch.from_numpy(ids), torch.from_numpy(positions), Segments(lengths), rows)


def filled_up(pack: Pack) -> Pack:
    """Return a pack with as many zeros after its tokens as products on a processor ask for.

    They are a segment of their own, of no window.
    """
    if not (missing := rows_missing(len(pack.ids))):
        return pack
    ids, positions = (functional.pad(one, (0, missing)) for one in (pack.ids, pack.positions))
    return replace(
        pack, ids=ids, positions=positions, segments=Segments((*pack.segments.lengths, missing))
    )


def pack_padded(ids: Tensor, mask: Tensor) -> Pack:
    """Return a padded batch as one pack: ids [text, token] where `mask` [text, token] is true."""
    lengths = tuple(mask.sum(dim=1).tolist())
    positions = (mask.cumsum(dim=1) - 1)[mask]
    return Pack(ids[mask], positions, Segments(lengths), np.arange(len(lengths)))
