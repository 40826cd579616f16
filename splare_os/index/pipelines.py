"""Ingest pipelines of others: whether they change what impacts were made of."""

from collections.abc import Mapping, Sequence

import orjson

from ..documents.document import Body, encoded_text
from ..documents.fields import Fields
from .actions import Action, Target
from .bulk import BulkOptions
from .handle import IndexHandle

NONE = "_none"
LOOKED_AT = 64
"""Documents of the first chunk that are compared with what was sent."""


def pipelines(settings: Mapping[str, str], bulk: BulkOptions) -> list[str]:
    """Return the pipelines that a document goes through."""
    first = bulk.pipeline or settings.get("index.default_pipeline", NONE)
    return [name for name in (first, settings.get("index.final_pipeline", NONE)) if name != NONE]


def find_changed(handle: IndexHandle, sent: Sequence[Action], fields: Fields) -> list[str]:
    """Return the ids of documents that are there with another text or other impacts than sent."""
    some = {action.id: action for action in sent[:LOOKED_AT]}
    return [
        name
        for name, held in handle.stored(list(some)).items()
        if _told(held.source, fields, handle.target)
        != _told(orjson.loads(some[name].source), fields, handle.target)
    ]


def _told(source: Body, fields: Fields, target: Target) -> tuple[object, object]:
    ours = source.get(target.field)
    if target.is_compact and isinstance(ours, dict):
        ours = {key: value for key, value in ours.items() if key != "impacts"}
    try:
        return encoded_text(source, fields), ours
    except (TypeError, ValueError):  # no text at all any more
        return None, ours
