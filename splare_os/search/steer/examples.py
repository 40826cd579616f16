"""What a query is to be like, and unlike: texts, or documents by their id, as a clause names them.

"like": ["a text", {"_id": "7"}], "unlike": {"_id": "9", "_index": "papers"}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

from ...documents.document import is_unicode
from .feedback import FEEDBACK, Feedback

KEYS = frozenset({"like", "unlike", "feedback", "include"})
REFERENCE = {"_id": "id", "_index": "index", "routing": "routing"}
"""Keys of a document that is named, as `more_like_this` has them."""


@dataclass(frozen=True)
class Reference:
    """A document; `index` None: the one that is searched."""

    id: str
    index: str | None = None
    routing: str | None = None


Example: TypeAlias = str | Reference


@dataclass(frozen=True)
class Examples:
    """Texts and documents that a query moves towards, and away from.

    Documents of `like` are no hits themselves, unless `include` says so.
    """

    like: tuple[Example, ...] = ()
    unlike: tuple[Example, ...] = ()
    feedback: Feedback = Feedback()
    include: bool = False

    def __post_init__(self) -> None:
        """Refuse a contrast with nothing on one side."""
        if self.feedback.method == "contrast" and not (self.like and self.unlike):
            raise ValueError("method='contrast' tells two sets apart: give like and unlike")

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.like or self.unlike)

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Self:
        """Return what a clause says under `KEYS`; `ValueError` tells what is wrong with it."""
        if not KEYS & content.keys():
            return cls()
        told = content.get("feedback", {})
        if not isinstance(told, Mapping) or told.keys() - set(FEEDBACK):
            raise ValueError(f"feedback={told!r}: give an object with some of {FEEDBACK}")
        include = content.get("include", False)
        if not isinstance(include, bool):
            raise ValueError(f"include={include!r}: give true or false")
        like, unlike = (_examples(key, content.get(key, [])) for key in ("like", "unlike"))
        return cls(like, unlike, Feedback(**told), include)


def _examples(key: str, content: object) -> tuple[Example, ...]:
    listed = content if isinstance(content, list | tuple) else [content]
    return tuple(_example(key, one) for one in listed)


def _example(key: str, content: object) -> Example:
    if isinstance(content, str) and content.strip() and is_unicode(content):
        return content
    if isinstance(content, Mapping) and "_id" in content and not content.keys() - set(REFERENCE):
        named = {REFERENCE[name]: value for name, value in content.items()}
        if all(isinstance(value, str) and value for value in named.values()):
            return Reference(**named)
    raise ValueError(
        f'{key} has {content!r}: give a text, or a document, {{"_id": "7"}}, with an "_index" and '
        'a "routing" if need be, all of them strings'
    )
