"""The cut: which impacts of a document an index keeps, by what is asked and what is given."""

from dataclasses import dataclass

from ..encoder import Encoder, own_top_k
from ..impacts import Impacts, prune, prune_to_mass

MAX_TOP_K = 32_767
"""`count` is a `short`; Lucene itself refuses a field only at some 62,000 impacts."""

TOP_K = 400
"""Kept of an encoder that does not tell its own cut."""


@dataclass(frozen=True, slots=True)
class DocumentCut:
    """Bounds of a document's impacts, heaviest first; where both are given, both hold.

    `top_k`: so many. `mass`: of those, as many as have this share of their sum. In what is asked
    for, None stands for what the index has already, and a mass of 1 for all.
    """

    top_k: int | None = None
    mass: float | None = None

    def __post_init__(self) -> None:
        """Refuse a cut that keeps nothing, or more than can be stored."""
        if self.top_k is not None and not 1 <= self.top_k <= MAX_TOP_K:
            raise ValueError(f"top_k={self.top_k}: keep 1 to {MAX_TOP_K} latents a text")
        if self.mass is not None and not 0 < self.mass <= 1:
            raise ValueError(f"mass={self.mass}: give a share of a text's impacts, above 0 to 1")

    def over(self, kept: "DocumentCut") -> "DocumentCut":
        """Return this cut where it asks for one, and otherwise that of an index."""
        mass = kept.mass if self.mass is None else self.mass
        return DocumentCut(self.top_k or kept.top_k, None if mass == 1 else mass)

    def check(self, encoder: Encoder) -> None:
        """Raise `ValueError` if more impacts are asked for than `encoder` gives."""
        own = own_top_k(encoder)
        if self.top_k is not None and own is not None and self.top_k > own:
            raise ValueError(
                f"top_k={self.top_k}: the model {encoder.name!r} gives at most {own} impacts of a "
                f"document; ask for 1 to {own}, or leave it out to keep all"
            )

    def of(self, impacts: Impacts) -> Impacts:
        """Return the impacts [text, latent] that stay."""
        kept = impacts if self.top_k is None else prune(impacts, self.top_k)
        return kept if self.mass is None else prune_to_mass(kept, self.mass)

    @property
    def mark(self) -> str:
        """What of a digest tells the cut.

        >>> DocumentCut(200).mark, DocumentCut(200, 0.9).mark
        ('200', '200 0.9')
        """
        return str(self.top_k) if self.mass is None else f"{self.top_k} {self.mass!r}"


NO_CUT = DocumentCut()


def default_top_k(encoder: Encoder) -> int:
    """Return what a new index keeps where no cut is asked for: all that `encoder` gives."""
    own = own_top_k(encoder)
    return TOP_K if own is None else min(own, MAX_TOP_K)
