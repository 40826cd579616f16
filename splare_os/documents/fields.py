"""What of a document is read, and where its impacts go."""

from dataclasses import dataclass

from .template import template_names

SUFFIX = "_splare"


def impacts_field(text_field: str) -> str:
    """Return the object field that holds the impacts of `text_field`, if none is named.

    It stands beside all other fields, not inside an object.

    >>> impacts_field("body"), impacts_field("paper.abstract")
    ('body_splare', 'paper_abstract_splare')
    """
    return text_field.replace(".", "_") + SUFFIX


@dataclass(frozen=True)
class Fields:
    """The fields of a document: its text, its title (None: it has none) and its id.

    A path with dots leads into objects; the id is a key. `template` says what is encoded instead of
    the title, a space and the text: "{brand} {name}: {text}"; the title is then one field of many.
    `impacts` is the object field of the impacts, None: that of the text which the model at hand has
    made, or else `impacts_field(text)`.
    """

    text: str = "text"
    title: str | None = "title"
    id: str = "_id"
    template: str | None = None
    impacts: str | None = None

    def __post_init__(self) -> None:
        """Refuse names that an index field cannot have."""
        for name in self.text_fields:
            if not all(name.split(".")) or "*" in name or name.startswith("_"):
                raise ValueError(
                    f"text field {name!r}: give the name of a field, or its path with dots, that "
                    "has no '*' and does not start with '_'"
                )
        if self.template is None and self.text == self.title:
            raise ValueError(
                f"title field {self.title!r} is the text field too: name another, or none ('')"
            )
        if self.text not in self.text_fields:
            raise ValueError(f"template {self.template!r}: the text, {{{self.text}}}, is missing")
        if not self.id:
            raise ValueError("id field '': give the key that holds the id, such as '_id'")
        if self.impacts is not None and not _is_for_impacts(self.impacts):
            raise ValueError(
                f"impacts field {self.impacts!r}: give a name without dots that ends in "
                f"{SUFFIX!r}, such as {impacts_field(self.text)!r}"
            )

    @property
    def impacts_name(self) -> str:
        """The impacts field, if an index does not say otherwise."""
        return self.impacts or impacts_field(self.text)

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The fields whose texts are encoded, the text itself last, the others in their order."""
        if self.template is not None:
            return tuple(sorted(template_names(self.template), key=lambda name: name == self.text))
        return (self.text,) if self.title is None else (self.title, self.text)

    @property
    def expected(self) -> tuple[str, ...]:
        """Those of `text_fields` that documents are to have: a title that nobody named may lack."""
        is_default = self.template is None and self.title == Fields.title
        return (self.text,) if is_default else self.text_fields


def _is_for_impacts(name: str) -> bool:
    is_name = name.endswith(SUFFIX) and not name.startswith("_")
    return is_name and not any(char in name for char in ".*, ")
