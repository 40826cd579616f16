"""Saved objects for OpenSearch Dashboards: made (boards), checked (lint), installed (server)."""

from .boards import SAMPLE, boards, file_name, objects_of
from .lint import faults, read_objects
from .objects import Board, Panel, SavedObject, ndjson
from .of_index import OfIndex

__all__ = [
    "SAMPLE",
    "Board",
    "OfIndex",
    "Panel",
    "SavedObject",
    "boards",
    "faults",
    "file_name",
    "ndjson",
    "objects_of",
    "read_objects",
]
