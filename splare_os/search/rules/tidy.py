"""Replies as the application knows them: without the fields that the worker has added."""

from collections.abc import Mapping
from typing import Any

from ...documents.fields import SUFFIX

SHOWN = ("_source", "fields")
"""Parts of a hit that show fields of its document."""


def without_our_fields(reply: Any) -> Any:  # noqa: ANN401  # what a server says
    """Return a reply in whose hits, wherever they are, no impacts field is left.

    >>> hit = {"_index": "a", "_source": {"text": "oil", "text_splare": {"count": 1}}}
    >>> without_our_fields({"hits": {"hits": [hit]}})
    {'hits': {'hits': [{'_index': 'a', '_source': {'text': 'oil'}}]}}
    """
    if isinstance(reply, list):
        return [without_our_fields(one) for one in reply]
    if not isinstance(reply, Mapping):
        return reply
    is_hit = "_index" in reply or "found" in reply  # of an `_explain`, the document in it
    return {
        key: _without(one) if is_hit and key in SHOWN else without_our_fields(one)
        for key, one in reply.items()
    }


def _without(shown: Any) -> Any:  # noqa: ANN401  # JSON
    if not isinstance(shown, Mapping):
        return shown
    return {
        key: _without(one)
        for key, one in shown.items()
        if not any(part.endswith(SUFFIX) for part in key.split("."))
    }
