"""The cut: how many impacts of a document an index keeps, by what is asked and what is given."""

from ..encoder import Encoder, own_top_k

MAX_TOP_K = 32_767
"""`count` is a `short`; Lucene itself refuses a field only at some 62,000 impacts."""

TOP_K = 400
"""Kept of an encoder that does not tell its own cut."""


def default_top_k(encoder: Encoder) -> int:
    """Return what a new index keeps where no cut is asked for: all that `encoder` gives."""
    own = own_top_k(encoder)
    return TOP_K if own is None else min(own, MAX_TOP_K)


def check_top_k(encoder: Encoder, top_k: int | None) -> None:
    """Raise `ValueError` if `top_k` is more than `encoder` gives; None asks for no cut."""
    own = own_top_k(encoder)
    if top_k is not None and own is not None and top_k > own:
        raise ValueError(
            f"top_k={top_k}: the model {encoder.name!r} gives at most {own} impacts of a document; "
            f"ask for 1 to {own}, or leave it out to keep all"
        )
