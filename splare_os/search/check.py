"""Whether what a request searches was made by the encoder's model: asked seldom, and remembered."""

import time
from collections.abc import Mapping
from typing import TypeAlias

from opensearchpy import OpenSearch

from ..encoder import Encoder
from ..layout.records import check_model
from ..layout.view import Headers, View
from .query import Dsl

CHECK_AGAIN_S = 30.0
"""How long a field's record is trusted before its mapping is read again."""

Question: TypeAlias = tuple[str | None, str, frozenset[tuple[str, str]], str]
"""Index, field, options and credentials: names may stand for other indices to another user."""


class ModelCheck:
    """The questions of one client whose answer was good, each for `CHECK_AGAIN_S`."""

    def __init__(self, client: OpenSearch) -> None:
        self._client = client
        self._good_until: dict[Question, float] = {}

    def __call__(
        self, index: str | None, body: Dsl, field: str, encoder: Encoder, view: View
    ) -> None:
        """Raise `MappingError` or `ModelMismatchError` unless `encoder` made `field`.

        `index` is what a request searches with `body`; None is all, or a point in time.
        """
        if index is None and isinstance(point := body.get("pit"), Mapping):
            index, view = self._indices_of(point, view), View(headers=view.headers)
        question = index, field, frozenset(view.options.items()), _credentials(view.headers)
        now = time.monotonic()
        if now < self._good_until.get(question, 0.0):
            return
        check_model(self._client, index, field, encoder, view)
        kept = {asked: until for asked, until in self._good_until.items() if now < until}
        self._good_until = kept | {question: now + CHECK_AGAIN_S}

    def _indices_of(self, point: Mapping[str, object], view: View) -> str | None:
        """Return the indices of a point in time, which alone knows them; None if it has none."""
        aggs = {"indices": {"terms": {"field": "_index", "size": 1000}}}
        body = {"size": 0, "pit": point, "aggs": aggs}
        reply = self._client.search(body=body, headers=dict(view.headers))
        buckets = reply["aggregations"]["indices"]["buckets"]
        return ",".join(bucket["key"] for bucket in buckets) or None


def _credentials(headers: Headers) -> str:
    return next((value for name, value in headers.items() if name.lower() == "authorization"), "")
