"""All dashboards there are, and the files that hold them."""

from collections.abc import Sequence

from . import collection, concepts, ingestion, searching
from .objects import Board, SavedObject
from .of_index import OfIndex

VERSION = 1
"""Of the dashboards; it stands in the names of files."""

SAMPLE = OfIndex(
    "splare-articles",
    fingerprint="37838437876d274b",
    time_field="published",
    category_field="topic",
)
"""What the files in `dashboards/` are about: an index of `mini`'s with a time and a keyword."""


def boards(of: OfIndex | None) -> list[Board]:
    """Return the dashboards of all jobs and searches, and those of an index, if one is named."""
    found = [ingestion.board(), searching.board()]
    return found if of is None else [*found, collection.board(of), concepts.board(of)]


def objects_of(found: Sequence[Board]) -> list[SavedObject]:
    """Return the objects of several dashboards, each once."""
    objects = {(each.type, each.id): each for board in found for each in board.objects()}
    return list(objects.values())


def file_name(board: Board) -> str:
    """Return the name of a dashboard's file."""
    return f"splare-{board.name}-{VERSION}.ndjson"
