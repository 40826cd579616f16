"""Cuts of documents: to a number of heaviest impacts, or to a share of the mean number.

A share compares models whose documents differ in how many latents they have.
"""

from collections.abc import Callable
from typing import TypeAlias

from ..layout import MAX_TOP_K

Cut: TypeAlias = int | str
"""A number, or a share such as "25%" of the mean latents that the model keeps of a document."""


def read_cut(text: str) -> Cut:
    """Return the cut that `text` tells; `ValueError` if it tells none.

    >>> read_cut("100"), read_cut("25 %")
    (100, '25%')
    """
    number, share, rest = text.partition("%")
    number = number.strip()
    if rest or not number.isdecimal():
        raise ValueError(f"top_k={text.strip()!r}: give a whole number, or a share such as 25%")
    return f"{int(number)}%" if share else int(number)


def check_cut(cut: Cut) -> None:
    """Refuse a cut that keeps nothing, or more than can be stored."""
    if isinstance(cut, str) and read_cut(cut) != cut:
        raise ValueError(f"top_k={cut!r}: give a whole number, or a share such as '25%'")
    if isinstance(cut, int):
        if not 1 <= cut <= MAX_TOP_K:
            raise ValueError(f"top_k={cut}: keep 1 to {MAX_TOP_K} latents a document")
    elif not 1 <= _percent(cut) <= 100:
        raise ValueError(f"top_k={cut}: keep 1% to 100% of the mean latents of a document")


def top_k_of(cut: Cut, mean_latents: Callable[[], float]) -> int:
    """Return how many impacts a document keeps, where uncut ones have `mean_latents()`.

    >>> top_k_of("25%", lambda: 123.4), top_k_of("1%", lambda: 7.0), top_k_of(50, lambda: 0.0)
    (31, 1, 50)
    """
    if isinstance(cut, int):
        return cut
    return max(1, round(_percent(cut) / 100 * mean_latents()))


def _percent(cut: str) -> int:
    return int(cut.removesuffix("%"))
