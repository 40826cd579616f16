"""The index that dashboards of a collection are about: its names, its fields, its model."""

import re
from dataclasses import dataclass, replace
from hashlib import sha256


@dataclass(frozen=True)
class OfIndex:
    """An index (or alias, or pattern) whose impacts are in `field`.

    `concrete` are the indices that its statistics are kept of, or patterns of them. `fingerprint`
    is that of the model, whose labels are shown. Without a `time_field` or a `category_field` (a
    keyword), charts over time or by category are left out. `columns` are those of the list of
    documents.
    """

    index: str
    field: str = "text_splare"
    concrete: tuple[str, ...] = ()
    fingerprint: str | None = None
    time_field: str | None = None
    category_field: str | None = None
    columns: tuple[str, ...] = ("title", "text")

    def __post_init__(self) -> None:
        """Take the index itself for the only concrete one, if none is named."""
        if not self.index or not self.field:
            raise ValueError(f"index={self.index!r}, field={self.field!r}: name both")
        if not self.concrete:
            object.__setattr__(self, "concrete", (self.index,))

    def id(self, name: str) -> str:
        """Return the id of a saved object: two indices have objects of their own.

        >>> OfIndex("papers").id("collection")
        'splare-collection-papers-text_splare'
        """
        return f"splare-{name}-{_slug(self.index, '-')}-{_slug(self.field, '_')}"

    @property
    def with_all_charts(self) -> "OfIndex":
        """The same with some time and some category: what is made of either is made."""
        return replace(
            self,
            time_field=self.time_field or "time",
            category_field=self.category_field or "category",
        )

    @property
    def pattern(self) -> str:
        """The id of its index pattern: two fields of an index may have times of their own."""
        return self.id("index")


def _slug(name: str, joint: str) -> str:
    """Return a name as an id may have it; one that had to be changed ends in its hash.

    `joint` stands for what no id may have. If it is "_", a "-" comes before a hash alone, and so
    can stand between an index and a field.

    >>> _slug("papers", "-"), _slug("papers-*,news", "-"), _slug("a-b", "_")
    ('papers', 'papers-news-aff0a5bc', 'a_b-d44362d6')
    """
    slug = re.sub(r"[^a-z0-9_]+", joint, name.lower()).strip(joint)
    return slug if slug == name else f"{slug}-{sha256(name.encode()).hexdigest()[:8]}"
