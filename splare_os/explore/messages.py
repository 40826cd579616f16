"""What the page asks, and how long it may be."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from ..search import Examples, Reference
from ..steering import Steering

MOST_CHARACTERS = 2000
"""Of a query. A longer text is a document: ask for more like it."""

MOST_HITS = 30
MOST_STEERED = 64
MOST_EXAMPLES = 16

System: TypeAlias = Literal["bm25", "latents", "hybrid"]

Query: TypeAlias = Annotated[str, Field(max_length=MOST_CHARACTERS)]
Id: TypeAlias = Annotated[str, Field(min_length=1, max_length=512)]
Ids: TypeAlias = Annotated[list[Id], Field(max_length=MOST_HITS)]
Liked: TypeAlias = Annotated[list[Id], Field(max_length=MOST_EXAMPLES)]


class Message(BaseModel):
    """A request; what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Steered(Message):
    """A query, and what it is steered by.

    `steer` is a line of items such as `1907=2,-12,+77=1`, as `Steering.read` has them.
    """

    query: Query = ""
    steer: str = Field(default="", max_length=2000)
    like: Liked = []
    unlike: Liked = []

    def steering(self) -> Steering | None:
        """Return what steers; `ValueError` for items that are none, and for too many."""
        if not self.steer:
            return None
        n_items = self.steer.count(",") + 1
        if n_items > MOST_STEERED:
            raise ValueError(f"steer has {n_items} items: at most {MOST_STEERED}")
        return Steering.read(self.steer)

    def examples(self, *, include: bool = False) -> Examples:
        """Return the documents that the query is to be like, and unlike."""
        like, unlike = (tuple(map(Reference, ids)) for ids in (self.like, self.unlike))
        return Examples(like, unlike, include=include)


class Searching(Steered):
    """A search of some systems."""

    systems: list[System] = Field(default=["bm25", "latents", "hybrid"], max_length=3)
    size: int = Field(default=10, ge=1, le=MOST_HITS)


class Explaining(Steered):
    """Why these documents are found: those among `ids` that share a latent with the query.

    `places`: also where in their texts it is, for which these are encoded.
    """

    ids: Ids
    places: bool = True

    @classmethod
    def of(cls, asked: Steered, document: str) -> Self:
        """Return the question about one document."""
        return cls(**{name: getattr(asked, name) for name in Steered.model_fields}, ids=[document])


class Reading(Steered):
    """A document, from a character of its text on, marked by a query if there is one."""

    id: Id
    start: int = Field(default=0, ge=0)


class Carding(Message):
    """The card of a latent."""

    latent: int = Field(ge=0)


class Naming(Message):
    """Latents about something: by words of their labels, or by what the model makes of them."""

    text: Annotated[str, Field(min_length=1, max_length=200)]


class Comparing(Message):
    """Two queries, or two documents by their ids."""

    kind: Literal["queries", "documents"]
    a: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]
    b: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]
