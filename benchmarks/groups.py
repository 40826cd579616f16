"""Which data sets the model of scripts/make-broad has seen, and which it is judged by.

seen    texts, or pairs of another split, were trained on
choice  never trained on; what settings are chosen by
unseen  never trained on, and nothing was chosen by them
"""

from typing import Literal, TypeAlias

Group: TypeAlias = Literal["unseen", "choice", "seen"]
GROUPS: tuple[Group, ...] = ("unseen", "choice", "seen")

UNSEEN = (
    *("cranfield", "medline", "npl", "msmarco-dl-mini", "cosqa", "qed-dev-nq", "mqp-duplicates"),
    *("qmsum", "peps"),
)
CHOICE = ("fairytaleqa-val", "squad-dev", "recipes", "rust-book")
"""fairytaleqa-val: queries and documents of the validation split."""

SEEN = ("scifact", "fairytaleqa", "pubmedqa-l")

FROM_TEXTS = ("qmsum", "peps", "recipes", "rust-book")
"""Those made of files of passages and pairs, by `python -m benchmarks.held_out`."""


def group(name: str) -> Group:
    """Return the group of a data set; `ValueError` if it has none.

    >>> group("npl"), group("squad-dev"), group("scifact")
    ('unseen', 'choice', 'seen')
    """
    for members, found in zip((UNSEEN, CHOICE, SEEN), GROUPS, strict=True):
        if name in members:
            return found
    raise ValueError(f"{name}: it has no group; give it one in benchmarks/groups.py")
