"""What of a document is read, and the text that is encoded for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fields:
    """The keys of a document: its text, its title (None: it has none) and its id."""

    text: str = "text"
    title: str | None = "title"
    id: str = "_id"

    def __post_init__(self) -> None:
        """Refuse names that an index field cannot have."""
        for name in self.text_fields:
            if not name or "." in name or "*" in name or name.startswith("_"):
                raise ValueError(
                    f"text field {name!r}: give the name of a top-level field, "
                    "without dots or '*', that does not start with '_'"
                )
        if self.text == self.title:
            raise ValueError(f"title field {self.title!r} is the text field too: name another")
        if not self.id:
            raise ValueError("id field '': give the key that holds the id, such as '_id'")

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The fields whose texts are encoded, in the order in which they are joined."""
        return (self.text,) if self.title is None else (self.title, self.text)
